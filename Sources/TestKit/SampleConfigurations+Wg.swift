extension SampleConfiguration {
    /// Files for `wg`.
    package static let wg: [SampleConfiguration] = taken + values + spacing + refusedLines + refusedValues

    private static let taken = [
        good("nothing", "", "[Interface]\n\n"),
        good("an empty section", "[Interface]\n", "[Interface]\n\n"),
        good(
            "every device value", "[Interface]\nPrivateKey = $K\nListenPort = 51820\nFwMark = 0xca6c\n",
            "[Interface]\nListenPort = 51820\nFwMark = 0xca6c\nPrivateKey = $K\n\n"),
        good(
            "every peer value",
            """
            [Interface]
            [Peer]
            PublicKey = $A
            PresharedKey = $K
            AllowedIPs = 10.192.122.3/32, 10.192.124.0/24
            Endpoint = 192.95.5.67:1234
            PersistentKeepalive = 25
            """,
            """
            [Interface]

            [Peer]
            PublicKey = $A
            PresharedKey = $K
            AllowedIPs = 10.192.122.3/32, 10.192.124.0/24
            Endpoint = 192.95.5.67:1234
            PersistentKeepalive = 25

            """),
        good(
            "two peers", "[Peer]\nPublicKey = $A\n[Peer]\nPublicKey = $B\n",
            "[Interface]\n\n[Peer]\nPublicKey = $A\n\n[Peer]\nPublicKey = $B\n"),
        good(
            "a peer twice", "[Peer]\nPublicKey=$A\nAllowedIPs=10.0.0.1\n[Peer]\nPublicKey=$A\nAllowedIPs=10.0.0.2\n",
            """
            [Interface]

            [Peer]
            PublicKey = $A
            AllowedIPs = 10.0.0.1/32

            [Peer]
            PublicKey = $A
            AllowedIPs = 10.0.0.2/32

            """),
        good(
            "two interface sections, the later value wins",
            "[Interface]\nListenPort = 1\n[Peer]\nPublicKey = $A\n[Interface]\nListenPort = 2\n",
            "[Interface]\nListenPort = 2\n\n[Peer]\nPublicKey = $A\n"),
        good(
            "a repeated key, the later value wins",
            "[Interface]\nFwMark = 1\nFwMark = 2\n[Peer]\nPublicKey = $A\nPublicKey = $B\nPersistentKeepalive = 1\n"
                + "PersistentKeepalive = 2\n",
            "[Interface]\nFwMark = 0x2\n\n[Peer]\nPublicKey = $B\nPersistentKeepalive = 2\n"),
        good(
            "allowed IPs add up", "[Peer]\nAllowedIPs = 10.0.0.0/8\nPublicKey = $A\nAllowedIPs = fd00::/8, ::/0\n",
            "[Interface]\n\n[Peer]\nPublicKey = $A\nAllowedIPs = 10.0.0.0/8, fd00::/8, ::/0\n"),
        good(
            "a file with Windows line ends", "[Interface]\r\nListenPort = 5\r\n\r\n[Peer]\r\nPublicKey = $A\r\n",
            "[Interface]\nListenPort = 5\n\n[Peer]\nPublicKey = $A\n"),
        good(
            "a byte order mark", "\u{feff}[Interface]\nListenPort = 5\n", "[Interface]\nListenPort = 5\n\n",
            differs: true),
        good("no line end at the end", "[Interface]\nListenPort = 5", "[Interface]\nListenPort = 5\n\n"),
        good(
            "keys of zeros",
            "[Interface]\nPrivateKey=\(zeros)\n[Peer]\nPublicKey=$A\nPresharedKey=\(zeros)\n",
            "[Interface]\nPrivateKey = \(zeros)\n\n[Peer]\nPublicKey = $A\nPresharedKey = \(zeros)\n"),
    ]

    private static let zeros = String(repeating: "A", count: 43) + "="

    private static let values = [
        good(
            "off", "[Interface]\nFwMark = OFF\n[Peer]\nPublicKey = $A\nPersistentKeepalive = Off\n",
            "[Interface]\nFwMark = off\n\n[Peer]\nPublicKey = $A\nPersistentKeepalive = off\n"),
        good(
            "zeros are off",
            "[Interface]\nFwMark = 0\nListenPort = 0\n[Peer]\nPublicKey = $A\nPersistentKeepalive = 0\n",
            "[Interface]\nListenPort = 0\nFwMark = off\n\n[Peer]\nPublicKey = $A\nPersistentKeepalive = off\n"),
        good(
            "the largest numbers",
            "[Interface]\nFwMark = 0xFFFFFFFF\nListenPort = 65535\n[Peer]\nPublicKey = $A\nPersistentKeepalive = 65535\n",
            "[Interface]\nListenPort = 65535\nFwMark = 0xffffffff\n\n[Peer]\nPublicKey = $A\n"
                + "PersistentKeepalive = 65535\n"),
        good("a decimal mark", "[Interface]\nFwMark = 51820\n", "[Interface]\nFwMark = 0xca6c\n\n"),
        good("a port by its service", "[Interface]\nListenPort = domain\n", "[Interface]\nListenPort = 53\n\n"),
        good(
            "addresses without a length", "[Peer]\nPublicKey = $A\nAllowedIPs = 10.0.0.1, fd00::1\n",
            "[Interface]\n\n[Peer]\nPublicKey = $A\nAllowedIPs = 10.0.0.1/32, fd00::1/128\n"),
        good(
            "bits of the host are cut off", "[Peer]\nPublicKey = $A\nAllowedIPs = 10.8.1.1/16, fd00:1:2::3/32\n",
            "[Interface]\n\n[Peer]\nPublicKey = $A\nAllowedIPs = 10.8.0.0/16, fd00:1::/32\n"),
        good(
            "IPv6 in its long forms",
            "[Peer]\nPublicKey = $A\nAllowedIPs = FD00:0:0:0:0:0:0:1/128, ::ffff:1.2.3.4/128\n",
            "[Interface]\n\n[Peer]\nPublicKey = $A\nAllowedIPs = fd00::1/128, ::ffff:1.2.3.4/128\n"),
        good(
            "the deprecated IPv4-compatible range", "[Peer]\nPublicKey = $A\nAllowedIPs = ::1.2.3.4/128, ::2\n",
            "[Interface]\n\n[Peer]\nPublicKey = $A\nAllowedIPs = ::1.2.3.4/128, ::2/128\n"),
        good(
            "everything", "[Peer]\nPublicKey = $A\nAllowedIPs = 0.0.0.0/0, ::/0\n",
            "[Interface]\n\n[Peer]\nPublicKey = $A\nAllowedIPs = 0.0.0.0/0, ::/0\n"),
        good(
            "the same prefix twice", "[Peer]\nPublicKey = $A\nAllowedIPs = 10.0.0.0/8,10.0.0.0/8\n",
            "[Interface]\n\n[Peer]\nPublicKey = $A\nAllowedIPs = 10.0.0.0/8, 10.0.0.0/8\n"),
        good(
            "an IPv6 endpoint", "[Peer]\nPublicKey = $A\nEndpoint = [2607:5300:60:6b0::c05f:543]:2468\n",
            "[Interface]\n\n[Peer]\nPublicKey = $A\nEndpoint = [2607:5300:60:6b0::c05f:543]:2468\n"),
        good(
            "an endpoint by name", "[Peer]\nPublicKey = $A\nEndpoint = localhost:51820\n",
            "[Interface]\n\n[Peer]\nPublicKey = $A\nEndpoint = localhost:51820\n"),
        good(
            "an endpoint's port by its service", "[Peer]\nPublicKey = $A\nEndpoint = 127.0.0.1:domain\n",
            "[Interface]\n\n[Peer]\nPublicKey = $A\nEndpoint = 127.0.0.1:53\n"),
        good(
            "an IPv6 endpoint without brackets", "[Peer]\nPublicKey = $A\nEndpoint = 2001:db8::1:51820\n",
            "[Interface]\n\n[Peer]\nPublicKey = $A\nEndpoint = [2001:db8::1]:51820\n"),
        good(
            "signs", "[Peer]\nPublicKey = $A\nAllowedIPs = +10.0.0.0/8, -10.1.0.0/16, fd00::/8\n",
            "[Interface]\n\n[Peer]\nPublicKey = $A\nAllowedIPs = +10.0.0.0/8, -10.1.0.0/16, +fd00::/8\n",
            differs: true),
    ]

    private static let spacing = [
        good(
            "comments", "# one\n[Interface] # two\n#PrivateKey = x\nListenPort = 5 # three # four\n#",
            "[Interface]\nListenPort = 5\n\n"),
        good(
            "white space inside of everything",
            " [ Inter face ] \n\tListen Port\t=\u{b} 5 1 8 2 0 \n[P eer]\nPublicKey = $A \nAllowedIPs = 10. 0.0.0 / 8 ,::/0\n",
            "[Interface]\nListenPort = 51820\n\n[Peer]\nPublicKey = $A\nAllowedIPs = 10.0.0.0/8, ::/0\n"),
        good(
            "any case", "[INTERFACE]\nlistenport = 5\nFWMARK = 0xAB\n[peer]\npublickey = $A\nALLOWEDIPS = FD00::/8\n",
            "[Interface]\nListenPort = 5\nFwMark = 0xab\n\n[Peer]\nPublicKey = $A\nAllowedIPs = fd00::/8\n"),
        good(
            "no white space", "[Interface]\nListenPort=5\n[Peer]\nPublicKey=$A\n",
            "[Interface]\nListenPort = 5\n\n[Peer]\nPublicKey = $A\n"),
        good("empty lines", "\n\n  \n[Interface]\n\n\nListenPort = 5\n\n", "[Interface]\nListenPort = 5\n\n"),
    ]

    private static let refusedLines = [
        bad(
            "a mistyped key", "[Interface]\nListenPrt = 5\n",
            "2: found the unknown key \"ListenPrt\"; expected ListenPort, the nearest known key"),
        bad(
            "two swapped letters", "[Peer]\nPbulicKey = $A\n",
            "2: found the unknown key \"PbulicKey\"; expected PublicKey, the nearest known key"),
        bad(
            "a key like no other", "[Interface]\nColour = red\n",
            "2: found the unknown key \"Colour\"; expected one of ListenPort, FwMark, PrivateKey, Obfuscation"),
        bad(
            "a key like no other in a peer", "\n[Peer]\n\nColour = red\n",
            "4: found the unknown key \"Colour\"; expected one of PublicKey, PresharedKey, AllowedIPs, Endpoint, "
                + "PersistentKeepalive, Obfuscation"),
        bad(
            "a key of wg-quick", "[Interface]\nAddress = 10.0.0.1/24\n",
            "2: found Address, which only 'nightjar up' and wg-quick take; expected a file without it, as "
                + "'nightjar strip' prints it"),
        bad(
            "a peer's key in the interface", "[Interface]\nPublicKey = $A\n",
            "2: found PublicKey in [Interface]; expected it in [Peer]"),
        bad(
            "an interface's key in a peer", "[Interface]\n[Peer]\nPublicKey = $A\nPrivateKey = $K\n",
            "4: found PrivateKey in [Peer]; expected it in [Interface]"),
        bad(
            "a key before any section", "ListenPort = 5\n",
            "1: found ListenPort before any section; expected [Interface] before it"),
        bad("an unknown section", "[Peers]\n", "1: found the section \"[Peers]\"; expected [Interface] or [Peer]"),
        bad(
            "an open bracket", "[Interface\nListenPort = 5\n",
            "1: found the section \"[Interface\"; expected [Interface] or [Peer]"),
        bad(
            "a line without a value's sign", "[Interface]\nListenPort\n",
            "2: found a line without \"=\"; expected KEY = VALUE, [Interface] or [Peer]"),
        bad(
            "a key without a value", "[Peer]\nPublicKey = $A\nAllowedIPs =\n",
            "3: found AllowedIPs without a value; expected addresses or prefixes separated by commas, as in "
                + "10.0.0.0/24, fd00::/64"),
        bad(
            "a value that is a comment", "[Interface]\nListenPort = # 5\n",
            "2: found ListenPort without a value; expected a UDP port from 0 to 65535"),
        bad(
            "a peer without a key", "[Interface]\n\n[Peer]\nAllowedIPs = ::/0\n\n[Peer]\nPublicKey = $A\n",
            "3: found a [Peer] without PublicKey; expected a line PublicKey = KEY in it"),
        bad(
            "a peer without a key at the end", "[Peer]\nPublicKey = $A\n[Peer]\n",
            "3: found a [Peer] without PublicKey; expected a line PublicKey = KEY in it"),
        bad(
            "no name of a key", "[Interface]\n= 5\n",
            "2: found the unknown key \"\"; expected one of ListenPort, FwMark, PrivateKey, Obfuscation"),
    ]

    private static let refusedValues = [
        bad(
            "a port beyond all", "[Interface]\nListenPort = 70000\n",
            "2: found \"70000\" as ListenPort; expected a UDP port from 0 to 65535", differs: true),
        bad(
            "a negative port", "[Interface]\nListenPort = -1\n",
            "2: found \"-1\" as ListenPort; expected a UDP port from 0 to 65535", differs: true),
        bad(
            "no port", "[Interface]\nListenPort = many\n",
            "2: found \"many\" as ListenPort; expected a UDP port from 0 to 65535"),
        bad(
            "a mark beyond all", "[Interface]\nFwMark = 0x100000000\n",
            "2: found \"0x100000000\" as FwMark; expected off or a number from 0 to 0xffffffff"),
        bad(
            "no mark", "[Interface]\nFwMark = on\n",
            "2: found \"on\" as FwMark; expected off or a number from 0 to 0xffffffff"),
        bad(
            "hexadecimal digits without their sign", "[Interface]\nFwMark = ca6c\n",
            "2: found \"ca6c\" as FwMark; expected off or a number from 0 to 0xffffffff"),
        bad(
            "a key that was cut off", "[Interface]\nPrivateKey = yAnz5TF+lXXJte14tji3zlMNq\n",
            "2: found a text of 25 characters as PrivateKey; expected a key, 44 characters of base64"),
        bad(
            "a key with a wrong character", "[Interface]\nPrivateKey = yAnz5TF+lXX?te14tji3zlMNq+hd2rYUIgJBgB3fBmk=\n",
            "2: found a text whose character 12 isn't base64 as PrivateKey; expected a key, 44 characters of base64"),
        bad(
            "a key with spare bits", "[Peer]\nPublicKey = HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykx=\n",
            "2: found 44 characters that don't end as a key does, cut off or mistyped as PublicKey; expected a key, "
                + "44 characters of base64"),
        bad(
            "a key in hexadecimal digits", "[Peer]\nPublicKey = \(String(repeating: "0f", count: 32))\n",
            "2: found a text of 64 characters as PublicKey; expected a key, 44 characters of base64"),
        bad(
            "a preshared key with quotation marks", "[Peer]\nPublicKey = $A\nPresharedKey = \"$K\"\n",
            "3: found a text of 46 characters as PresharedKey; expected a key, 44 characters of base64"),
        bad(
            "a prefix beyond all", "[Peer]\nPublicKey = $A\nAllowedIPs = 10.0.0.0/33\n",
            "3: found \"10.0.0.0/33\" as AllowedIPs; expected addresses or prefixes separated by commas, as in "
                + "10.0.0.0/24, fd00::/64"),
        bad(
            "no address among addresses", "[Peer]\nPublicKey = $A\nAllowedIPs = 10.0.0.0/8, 300.0.0.0\n",
            "3: found \"300.0.0.0\" as AllowedIPs; expected addresses or prefixes separated by commas, as in "
                + "10.0.0.0/24, fd00::/64"),
        bad(
            "a comma at the end", "[Peer]\nPublicKey = $A\nAllowedIPs = 10.0.0.0/8,\n",
            "3: found \"\" as AllowedIPs; expected addresses or prefixes separated by commas, as in "
                + "10.0.0.0/24, fd00::/64"),
        bad(
            "an endpoint without a port", "[Peer]\nPublicKey = $A\nEndpoint = 192.0.2.1\n",
            "3: found \"192.0.2.1\", which has no port, as Endpoint; expected HOST:PORT, an IPv6 address in brackets"),
        bad(
            "an endpoint with an open bracket", "[Peer]\nPublicKey = $A\nEndpoint = [::1:5\n",
            "3: found \"[::1:5\" as Endpoint; expected HOST:PORT, an IPv6 address in brackets"),
        bad(
            "an endpoint's port beyond all", "[Peer]\nPublicKey = $A\nEndpoint = 192.0.2.1:99999\n",
            "3: found \"192.0.2.1:99999\", whose port isn't from 0 to 65535, as Endpoint; expected HOST:PORT, an IPv6 "
                + "address in brackets", differs: true),
        bad(
            "an endpoint without a host", "[Peer]\nPublicKey = $A\nEndpoint = :5\n",
            "3: found \":5\" as Endpoint; expected HOST:PORT, an IPv6 address in brackets"),
        bad(
            "a keepalive beyond all", "[Peer]\nPublicKey = $A\nPersistentKeepalive = 65536\n",
            "3: found \"65536\" as PersistentKeepalive; expected off or a number of seconds from 1 to 65535, or "
                + "a range as in 22-30"),
        bad(
            "no keepalive", "[Peer]\nPublicKey = $A\nPersistentKeepalive = 25s\n",
            "3: found \"25s\" as PersistentKeepalive; expected off or a number of seconds from 1 to 65535, or "
                + "a range as in 22-30"),
        bad(
            "a private key as an endpoint", "[Peer]\nPublicKey = $A\nEndpoint = $K\n",
            "3: found a text of 44 characters, which has no port, as Endpoint; expected HOST:PORT, an IPv6 address in "
                + "brackets"),
        bad(
            "a private key as a key's name", "[Interface]\n$K\n",
            "2: found the unknown key a text of 43 characters; expected one of ListenPort, FwMark, PrivateKey, Obfuscation"
        ),
        bad(
            "escapes for a terminal", "[Interface]\n\u{1b}[31m = 5\n",
            "2: found the unknown key \"\\u{1b}[31m\"; expected one of ListenPort, FwMark, PrivateKey, Obfuscation"),
    ]
}
