extension SampleConfiguration {
    /// Files for `wg` with settings of disguises, which the stock tool doesn't know.
    package static let obfuscation: [SampleConfiguration] = disguised + amneziaWG + refusedSettings

    private static func taken(_ title: String, _ text: String, _ printed: String) -> SampleConfiguration {
        good(title, text, printed, differs: true)
    }

    private static func refused(_ title: String, _ text: String, _ sentence: String) -> SampleConfiguration {
        bad(title, text, sentence, differs: true)
    }

    private static let disguised = [
        taken(
            "veil for all, none for one",
            "[Interface]\nobfuscation = ON\n[Peer]\nPublicKey = $A\n[Peer]\nPublicKey = $B\nOBFUSCATION = Off\n",
            """
            [Interface]
            Obfuscation = veil

            [Peer]
            PublicKey = $A

            [Peer]
            PublicKey = $B
            Obfuscation = off

            """),
        taken(
            "each peer its own",
            """
            [Interface]
            ListenPort = 5
            ObfuscationKey = of all # but one
            Obfuscation = xor
            Reserved = Hx/9
            [Peer]
            Obfuscation = swgp-2026
            ObfuscationMTU = 1400
            ObfuscationKey = $K
            PublicKey = $A
            PersistentKeepalive = 22-30
            [Peer]
            PublicKey = $B
            Obfuscation = WARP
            """,
            """
            [Interface]
            ListenPort = 5
            Obfuscation = xor
            ObfuscationKey = of all
            Reserved = 31, 31, 253

            [Peer]
            PublicKey = $A
            PersistentKeepalive = 22-30
            Obfuscation = swgp-2026
            ObfuscationKey = $K
            ObfuscationMTU = 1400

            [Peer]
            PublicKey = $B
            Obfuscation = warp

            """),
        taken(
            "bytes for a service, and a key with white space",
            "[Peer]\nPublicKey = $A\nReserved = 1 , 2 ,255\nObfuscation = warp\n"
                + "[Peer]\nPublicKey=$B\nObfuscation=wg-obfuscator\nObfuscationKey =  a  b=c  \n",
            "[Interface]\n\n[Peer]\nPublicKey = $A\nObfuscation = warp\nReserved = 1, 2, 255\n\n"
                + "[Peer]\nPublicKey = $B\nObfuscation = wg-obfuscator\nObfuscationKey = a  b=c\n"),
        taken(
            "a range of one keepalive", "[Peer]\nPublicKey = $A\nPersistentKeepalive = 25-25\n",
            "[Interface]\n\n[Peer]\nPublicKey = $A\nPersistentKeepalive = 25\n"),
        taken(
            "every disguise without a key",
            "[Interface]\n[Peer]\nPublicKey=$A\nObfuscation=veil\n[Peer]\nPublicKey=$B\nObfuscation=lwo\n"
                + "[Peer]\nPublicKey=$P\nObfuscation=xor-batch\n",
            "[Interface]\n\n[Peer]\nPublicKey = $A\nObfuscation = veil\n\n[Peer]\nPublicKey = $B\nObfuscation = lwo\n\n"
                + "[Peer]\nPublicKey = $P\nObfuscation = xor-batch\n"),
    ]

    private static let amneziaWG = [
        taken(
            "AmneziaWG 1.0",
            "[Interface]\nJc = 4\nJmin = 40\nJmax = 70\nS1 = 21\nS2 = 130\nH1 = 1106457265\nH2=249455488\n"
                + "H3 = 1209847463\nH4 = 1646644382\n[Peer]\nPublicKey = $A\n",
            """
            [Interface]
            Jc = 4
            Jmin = 40
            Jmax = 70
            S1 = 21
            S2 = 130
            H1 = 1106457265
            H2 = 249455488
            H3 = 1209847463
            H4 = 1646644382

            [Peer]
            PublicKey = $A

            """),
        taken(
            "AmneziaWG 3.1, every key, in another order and any case",
            """
            [Interface]
            disablecookies = 1
            randomTrailers = On
            maxHandshakeAttempts = 10-20
            KeepaliveTimeout = 8-12
            RejectAfterTime = 180
            RekeyTimeout = 4 - 6
            RekeyAfterTime = 100-130
            ContentPaddingAddition = 0-64
            HeaderProtectionKey = $K
            I5 = <t>
            I4 = <rd 3>
            I3 = <rc 7>
            I2 =   <r 16>
            I1 = <b 0xc7000000010804> <r 8> # as QUIC begins
            H4 = 41-50
            H3 = 31 - 40
            H2 = 21-30
            H1 = 11-20
            S4 = 12
            S3 = 14
            S2 = 40
            S1 = 20
            Jmax = 70
            Jmin = 40
            Jc = 4
            PrivateKey = $K
            """,
            """
            [Interface]
            PrivateKey = $K
            Jc = 4
            Jmin = 40
            Jmax = 70
            S1 = 20
            S2 = 40
            S3 = 14
            S4 = 12
            H1 = 11-20
            H2 = 21-30
            H3 = 31-40
            H4 = 41-50
            I1 = <b 0xc7000000010804> <r 8>
            I2 = <r 16>
            I3 = <rc 7>
            I4 = <rd 3>
            I5 = <t>
            HeaderProtectionKey = $K
            ContentPaddingAddition = 0-64
            RekeyAfterTime = 100-130
            RekeyTimeout = 4-6
            RejectAfterTime = 180
            KeepaliveTimeout = 8-12
            MaxHandshakeAttempts = 10-20
            RandomTrailers = on
            DisableCookies = on


            """),
        taken(
            "what AmneziaWG gave up",
            "[Interface]\nJc = 3\nJmin = 10\nJmax = 20\nJ1 = <b 0x01>\nj2 = \nJ3=x\nItime = 60\n",
            "[Interface]\nJc = 3\nJmin = 10\nJmax = 20\n\n"),
        taken(
            "AmneziaWG all off",
            "[Interface]\nJc = off\nS1 = 0\nH1 = 1-1\nRekeyTimeout = off\nRandomTrailers = no\n"
                .split(separator: "no").joined(separator: "0"),
            "[Interface]\nJc = 0\nS1 = 0\nH1 = 1\nRekeyTimeout = 0\nRandomTrailers = off\n\n"),
        taken(
            "another disguise beside AmneziaWG's keys",
            "[Interface]\nObfuscation = veil\nS1 = 20\n[Peer]\nPublicKey = $A\n[Peer]\nPublicKey = $B\n"
                + "Obfuscation = amneziawg\n",
            "[Interface]\nObfuscation = veil\nS1 = 20\n\n[Peer]\nPublicKey = $A\n\n[Peer]\nPublicKey = $B\n"
                + "Obfuscation = amneziawg\n"),
    ]

    private static let names =
        "off, veil, amneziawg, swgp, swgp-paranoid, swgp-2026, swgp-paranoid-2026, lwo, wg-obfuscator, "
        + "wg-obfuscator-stun, xor, xor-batch, warp"

    private static let refusedSettings = [
        refused(
            "no disguise", "[Interface]\nObfuscation = viel\n",
            "2: found \"viel\" as Obfuscation; expected on or one of \(names)"),
        refused(
            "a disguise without a name", "[Interface]\nObfuscation =\n",
            "2: found Obfuscation without a value; expected on or one of \(names)"),
        refused(
            "a setting of AmneziaWG in a peer", "[Peer]\nPublicKey = $A\nS1 = 5\n",
            "3: found S1 in [Peer]; expected it in [Interface]"),
        refused(
            "an old setting of AmneziaWG in a peer", "[Peer]\nPublicKey = $A\nItime = 5\n",
            "3: found the unknown key \"Itime\"; expected one of PublicKey, PresharedKey, AllowedIPs, Endpoint, "
                + "PersistentKeepalive, Obfuscation"),
        refused(
            "a setting before any section", "Obfuscation = on\n",
            "1: found Obfuscation before any section; expected [Interface] or [Peer] before it"),
        refused(
            "a mistyped setting", "[Interface]\nObfuscaton = on\n",
            "2: found the unknown key \"Obfuscaton\"; expected Obfuscation, the nearest known key"),
        refused(
            "a range that ends before it begins", "[Interface]\nH1 = 20-10\n",
            "2: found \"20-10\", which ends before it begins, as H1; expected a number from 0 to 4294967295, or a range of "
                + "two as in 10-20"),
        refused(
            "a number beyond all", "[Interface]\nS1 = 65536\n",
            "2: found \"65536\" as S1; expected off or a number from 1 to 65535"),
        refused(
            "a header beyond all", "[Interface]\nH4 = 5-4294967296\n",
            "2: found \"5-4294967296\" as H4; expected a number from 0 to 4294967295, or a range of two as in 10-20"),
        refused(
            "half a range", "[Interface]\nRekeyAfterTime = 100-\n",
            "2: found \"100-\" as RekeyAfterTime; expected off, a number from 1 to 65535, or a range of two as in 10-20"
        ),
        refused(
            "a negative number", "[Interface]\nJc = -3\n",
            "2: found \"-3\" as Jc; expected off or a number from 1 to 65535"),
        refused(
            "a switch that is neither", "[Interface]\nRandomTrailers = maybe\n",
            "2: found \"maybe\" as RandomTrailers; expected on or off"),
        refused(
            "too few bytes", "[Interface]\nReserved = 1, 2\n",
            "2: found \"1,2\" as Reserved; expected three numbers from 0 to 255 with commas between them, or 4 "
                + "characters of base64"),
        refused(
            "a byte beyond all", "[Interface]\nReserved = 1, 2, 256\n",
            "2: found \"1,2,256\" as Reserved; expected three numbers from 0 to 255 with commas between them, or 4 "
                + "characters of base64"),
        refused(
            "a protection key that was cut off", "[Interface]\nHeaderProtectionKey = yAnz5TF+lXXJte14\n",
            "2: found a text of 16 characters as HeaderProtectionKey; expected a key, 44 characters of base64"),
        refused(
            "a key of control characters", "[Interface]\nObfuscationKey = a\u{1b}b\n",
            "2: found a text of 3 characters as ObfuscationKey; expected text of 1 to 255 bytes, or base64, as the kind of "
                + "obfuscation has it"),
        refused(
            "keepalives that end before they begin", "[Peer]\nPublicKey = $A\nPersistentKeepalive = 30-22\n",
            "3: found \"30-22\" as PersistentKeepalive; expected off or a number of seconds from 1 to 65535, or a range as "
                + "in 22-30"),
        refused(
            "keepalives from zero", "[Peer]\nPublicKey = $A\nPersistentKeepalive = 0-30\n",
            "3: found \"0-30\" as PersistentKeepalive; expected off or a number of seconds from 1 to 65535, or a range as "
                + "in 22-30"),
    ]
}
