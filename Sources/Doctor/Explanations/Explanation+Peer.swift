/// What peers do, and what becomes of packets on their way.
extension Explanation {
    static let peerExpired = Explanation(
        "The peer's date has passed",
        "The line \"# Expires\" of the peer names a date. From then on its handshakes aren't answered and its sessions are over.",
        remedy: "nightjar renew NAME, or nightjar limit NAME --expires never")

    static let peerOverQuota = Explanation(
        "The peer has used up its quota",
        "The line \"# Quota\" of the peer says how many bytes it may use, both directions together. It has.",
        remedy: "nightjar renew NAME begins anew; nightjar limit NAME --quota SIZE gives more.")

    static let noEndpoint = Explanation(
        "Nobody knows where the peer is",
        """
        At least one side has to know the other's address. This one has none for the peer, so it can't call, and the peer hasn't \
        called yet. On a server that is as it should be until a client calls.
        """,
        remedy: "Give the side that can be reached as Endpoint to the other one.")

    static let endpointUnresolvable = Explanation(
        "The endpoint's name isn't found",
        "The peer's Endpoint is a name, and no name server has an address for it, or none answers.",
        remedy: "Look for a typing error; ask with 'getent ahosts NAME'; or write the address.")

    static let endpointMoved = Explanation(
        "The endpoint's name has another address now",
        """
        Names of machines with changing addresses are looked up when the interface comes up. Nightjar looks again when nothing \
        answers; other programs stay with the old address.
        """,
        remedy: "nightjar reload INTERFACE asks again at once.")

    static let portClosed = Explanation(
        "Nobody listens at the endpoint",
        """
        The machine at the peer's address answers that nothing listens on this UDP port (ICMP "port unreachable"). So the address \
        is right, and WireGuard isn't up there, or it listens on another port.
        """,
        remedy: "Bring the interface up there, and compare its ListenPort with the Endpoint here.")

    static let udpBlocked = Explanation(
        "UDP to the peer is blocked",
        """
        Datagrams to the endpoint don't arrive: a firewall between the two, here or at the hoster's, drops UDP or this port. Some \
        networks let only known protocols pass, or recognise WireGuard.
        """,
        remedy:
            "Open the port; try another port, as 443; or disguise the traffic: nightjar new server --obfuscation veil.")

    static let obfuscationDiffers = Explanation(
        "The two sides disguise differently",
        """
        Settings of obfuscation have to be the same on both sides, but for those that only add noise. What came would mean \
        something under other settings; the evidence names the one.
        """,
        remedy: "Copy the setting from one side to the other. 'nightjar new peer' writes files that fit.")

    static let callerHasWrongKey = Explanation(
        "Somebody calls with a wrong key for this machine",
        """
        Every handshake message begins with a code that is made of the public key of the machine it is for. The ones that come \
        here are made for another key: the peer has a wrong PublicKey for this machine, often an old one.
        """,
        remedy: "Give the peer what 'nightjar show INTERFACE public-key' prints here.")

    static let unknownCaller = Explanation(
        "Somebody calls whom this side doesn't know",
        """
        A handshake came that is right but for its sender: no peer here has that public key. It was made anew there, or pasted \
        wrongly here. WireGuard answers strangers with silence, so over there it looks like a dead line.
        """,
        remedy: "If the key is the peer's, put it under [Peer] here, then reload.")

    static let clockBehind = Explanation(
        "The peer's clock has gone back",
        """
        Handshakes carry the time, and one that isn't later than the last is taken for a replay. A machine without a battery for \
        its clock starts in the past, and its handshakes are refused until its clock has caught up.
        """,
        remedy:
            "Set the clock there before the tunnel starts (NTP), or take the peer out and in here to forget the time.")

    static let presharedKeyDiffers = Explanation(
        "The preshared key differs",
        """
        One side has a preshared key that the other doesn't have, or has another one. The first message of a handshake doesn't \
        need it, the second does: initiations are accepted, and the response is one that the other side can't read.
        """,
        remedy: "Put the same PresharedKey under [Peer] on both sides, or remove it from both.")

    static let noAnswer = Explanation(
        "The peer doesn't answer",
        """
        Handshakes are sent and nothing comes back. Who can't authenticate gets no answer from WireGuard, so this looks the same \
        whether the other side doesn't know this key, has another key than the one here, isn't up, or is behind a firewall.
        """,
        remedy:
            "Compare public keys of both sides, the endpoint's address and port; run 'nightjar doctor' there, too: it sees who calls."
    )

    static let sourceNotAllowed = Explanation(
        "The peer sends from addresses that aren't its own",
        """
        Packets of a peer are accepted if their source is in its AllowedIPs on this side. The peer has another address than this \
        side expects, or passes on packets of a network behind it.
        """,
        remedy: "Add that address or network to the peer's AllowedIPs here, or correct Address there.")

    static let mtuTooLarge = Explanation(
        "The MTU is too large",
        """
        Packets that are as large as the interface takes don't get through, small ones do: pings work, pages hang. A link on the \
        way takes less than the tunnel believes (PPPoE, mobile networks, another tunnel), and the error that would tell is lost.
        """,
        remedy: "Write the MTU that the evidence names below [Interface].")

    static let dataDies = Explanation(
        "Handshakes pass, and data doesn't",
        """
        The handshake works and nothing comes after it. WireGuard says that it is there ten seconds after it has got something,         whatever becomes of that behind the tunnel, so the packets are lost on the way: something lets the handshake pass and drops         what follows, as networks do that recognise WireGuard.
        """,
        remedy:
            "Try another port, or disguise the traffic (nightjar new server --obfuscation veil). 'nightjar doctor' on the other side tells whether data arrives there."
    )

    static let oneDirection = Explanation(
        "Packets go in one direction only",
        """
        The peer's handshake messages arrive here and are answered, and it goes on as if it had heard nothing; nor does it answer         this side's. What this machine sends gets lost on the way.
        """,
        remedy:
            "Look for a firewall that drops this machine's UDP: its own, its provider's, one on the way, the peer's.")

    static let noKeepalive = Explanation(
        "There is no keepalive behind NAT",
        """
        A router with NAT forgets a UDP flow after 30 to 300 seconds without packets. From then on the server can't reach the \
        client until the client sends something.
        """,
        remedy: "PersistentKeepalive = 25 under [Peer] on the side behind the router.")
}
