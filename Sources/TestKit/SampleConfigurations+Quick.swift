extension SampleConfiguration {
    /// Files for `wg-quick`.
    package static let quick: [SampleConfiguration] = [
        goodQuick(
            "every key of wg-quick",
            """
            [Interface]
            PrivateKey = $K
            Address = 10.0.0.2/24, fd00::2/64
            DNS = 10.0.0.1, fd00::1, example.org
            MTU = 1380
            Table = 1234
            SaveConfig = true
            KillSwitch = lan
            PreUp = echo 1
            PostUp = echo 2
            PreDown = echo 3
            PostDown = echo 4
            ListenPort = 51820
            FwMark = 0x7500
            """,
            """
            [Interface]
            Address = 10.0.0.2/24
            Address = fd00::2/64
            DNS = 10.0.0.1
            DNS = fd00::1
            DNS = example.org
            MTU = 1380
            Table = 1234
            KillSwitch = lan
            SaveConfig = true
            PreUp = echo 1
            PostUp = echo 2
            PreDown = echo 3
            PostDown = echo 4
            ListenPort = 51820
            FwMark = 0x7500
            PrivateKey = $K


            """),
        goodQuick(
            "a NAT server",
            """
            [Interface]
            Address = 172.99.0.1/32
            ListenPort = 41642
            PrivateKey = $K
            MTU = 1420
            FwMark = 0x7500
            PostUp = iptables -A FORWARD -i %i -j ACCEPT; iptables -t nat -A POSTROUTING -o eth0 -j MASQUERADE
            PostDown = iptables -D FORWARD -i %i -j ACCEPT; iptables -t nat -D POSTROUTING -o eth0 -j MASQUERADE

            [Peer]
            PublicKey = $A
            AllowedIPs = 172.99.0.2/32
            PersistentKeepalive = 30
            """,
            """
            [Interface]
            Address = 172.99.0.1/32
            MTU = 1420
            PostUp = iptables -A FORWARD -i %i -j ACCEPT; iptables -t nat -A POSTROUTING -o eth0 -j MASQUERADE
            PostDown = iptables -D FORWARD -i %i -j ACCEPT; iptables -t nat -D POSTROUTING -o eth0 -j MASQUERADE
            ListenPort = 41642
            FwMark = 0x7500
            PrivateKey = $K

            [Peer]
            PublicKey = $A
            AllowedIPs = 172.99.0.2/32
            PersistentKeepalive = 30

            """),
        goodQuick(
            "its client",
            """
            [Interface]
            Address = 172.99.0.2/32
            PrivateKey = $K
            DNS = 8.8.8.8
            FwMark = 0x7500
            PostUp = ip route add 203.0.113.7 via 192.0.2.1

            [Peer]
            PublicKey = $A
            Endpoint = 203.0.113.7:41642
            AllowedIPs = 0.0.0.0/0
            """,
            """
            [Interface]
            Address = 172.99.0.2/32
            DNS = 8.8.8.8
            PostUp = ip route add 203.0.113.7 via 192.0.2.1
            FwMark = 0x7500
            PrivateKey = $K

            [Peer]
            PublicKey = $A
            AllowedIPs = 0.0.0.0/0
            Endpoint = 203.0.113.7:41642

            """),
        goodQuick(
            "addresses keep their host's bits, and may lack a length",
            "[Interface]\nAddress = 10.8.1.1/16\nAddress=192.0.2.5 , fd00::5\n",
            "[Interface]\nAddress = 10.8.1.1/16\nAddress = 192.0.2.5/32\nAddress = fd00::5/128\n\n"),
        goodQuick(
            "hooks in order, with their comments, signs and spaces",
            "[Interface]\nPostUp = echo 'a # b' = $HOME # c\n postup=  touch  /tmp/x\t\nPreDown = wg set %i fwmark 0x1\n",
            "[Interface]\nPostUp = echo 'a # b' = $HOME # c\nPostUp = touch  /tmp/x\nPreDown = wg set %i fwmark 0x1\n\n"
        ),
        goodQuick(
            "empty values", "[Interface]\nDNS =\nAddress =\nMTU =\nTable =\n", "[Interface]\n\n"),
        goodQuick("an MTU to be found", "[Interface]\nMTU = 0\n", "[Interface]\n\n"),
        goodQuick("no routes", "[Interface]\nTable = OFF\n", "[Interface]\nTable = off\n\n"),
        goodQuick("routes as usual", "[Interface]\nTable = Auto\n", "[Interface]\n\n"),
        goodQuick("a table by its name", "[Interface]\nTable = main\n", "[Interface]\nTable = 254\n\n"),
        goodQuick(
            "what is off", "[Interface]\nSaveConfig = False\nKillSwitch = off\n", "[Interface]\n\n"),
        goodQuick("a kill switch", "[Interface]\nKillSwitch = On\n", "[Interface]\nKillSwitch = on\n\n"),
        goodQuick(
            "later single values win", "[Interface]\nMTU = 1280\nTable = off\nMTU = 1400\nTable = 7\n",
            "[Interface]\nMTU = 1400\nTable = 7\n\n"),
        goodQuick(
            "IPv6 only", "[Interface]\nAddress = FD00::1/64\nDNS = 2001:DB8::53\n",
            "[Interface]\nAddress = fd00::1/64\nDNS = 2001:db8::53\n\n"),
        badQuick(
            "a mistyped key", "[Interface]\nAdress = 10.0.0.1/24\n",
            "2: found the unknown key \"Adress\"; expected Address, the nearest known key"),
        badQuick(
            "a key like no other", "[Interface]\nColour = red\n",
            "2: found the unknown key \"Colour\"; expected one of Address, DNS, MTU, Table, KillSwitch, SaveConfig, PreUp, "
                + "PostUp, PreDown, PostDown, ListenPort, FwMark, PrivateKey, Obfuscation"),
        badQuick(
            "an address of a network's length that can't be", "[Interface]\nAddress = 10.0.0.1/24, 10.0.0.2/40\n",
            "2: found \"10.0.0.2/40\" as Address; expected addresses with their network's length, as in 10.0.0.2/24, "
                + "fd00::2/64"),
        badQuick(
            "an MTU beyond all", "[Interface]\nMTU = 65536\n",
            "2: found \"65536\" as MTU; expected a number of bytes from 68 to 65535, or 0 to have it found"),
        badQuick(
            "an MTU too small", "[Interface]\nMTU = 67\n",
            "2: found \"67\" as MTU; expected a number of bytes from 68 to 65535, or 0 to have it found"),
        badQuick(
            "an unknown table", "[Interface]\nTable = nosuchtable\n",
            "2: found \"nosuchtable\" as Table; expected auto, off, or a routing table's number or name"),
        badQuick(
            "neither true nor false", "[Interface]\nSaveConfig = yes\n",
            "2: found \"yes\" as SaveConfig; expected true or false"),
        badQuick(
            "no kill switch", "[Interface]\nKillSwitch = maybe\n",
            "2: found \"maybe\" as KillSwitch; expected on, lan or off"),
        badQuick(
            "no DNS server", "[Interface]\nDNS = 8.8.8\n",
            "2: found \"8.8.8\" as DNS; expected addresses of DNS servers and search domains, separated by commas"),
        badQuick(
            "no search domain", "[Interface]\nDNS = exa$mple.org\n",
            "2: found \"exa$mple.org\" as DNS; expected addresses of DNS servers and search domains, separated by commas"
        ),
        badQuick(
            "a key of wg-quick in a peer", "[Interface]\n[Peer]\nPublicKey = $A\nPostUp = x\n",
            "4: found PostUp in [Peer]; expected it in [Interface]"),
        badQuick(
            "a file that ends in the middle of a key",
            "[Interface]\nAddress = 10.0.0.1/24\nPrivateKey = yAnz5TF+lXXJte14t",
            "3: found a text of 17 characters as PrivateKey; expected a key, 44 characters of base64"),
    ]
}
