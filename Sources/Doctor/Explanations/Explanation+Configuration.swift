/// The machine, the file, and what it says of keys and addresses.
extension Explanation {
    static let noTunDevice = Explanation(
        "There is no /dev/net/tun",
        """
        A WireGuard in user space gets its packets by a TUN device, which the kernel offers as /dev/net/tun. Virtual machines \
        of some hosters and most containers don't have it, also for root.

        The doctor opens the device, which is the only way to know: it may be there and forbidden.
        """,
        remedy: "Load the module (modprobe tun), or have the device passed into the container.")

    static let noNetAdmin = Explanation(
        "The capability CAP_NET_ADMIN is missing",
        """
        Root in a container isn't allowed everything. To create interfaces, addresses and routes, a process needs the \
        capability CAP_NET_ADMIN in the network namespace that it is in.
        """,
        remedy:
            "Docker: --cap-add NET_ADMIN --device /dev/net/tun. A unit of systemd: AmbientCapabilities=CAP_NET_ADMIN.")

    static let noFirewallTool = Explanation(
        "There is no program to set the firewall",
        """
        Default routes through the tunnel, the kill switch and forwarding under this machine's address need rules of the \
        firewall, which 'nightjar up' sets with nft or, without it, with iptables. It refuses to bring up half of what the file \
        says.
        """,
        remedy: "Install nftables, or take these settings out of the file.")

    static let ipv6Off = Explanation(
        "IPv6 is off on this machine",
        """
        The file gives the interface an IPv6 address, and the kernel has no IPv6, or it is disabled for the interface. Then the \
        interface doesn't come up at all, since a tunnel that silently lacks a family is one that leaks it.
        """,
        remedy:
            "Switch IPv6 on (net.ipv6.conf.all.disable_ipv6=0), or take the IPv6 addresses out of Address and AllowedIPs."
    )

    static let fileInvalid = Explanation(
        "The configuration file can't be read",
        """
        A line isn't what a configuration consists of: a key with a line end or a space pasted into it, a misspelt name of a \
        setting, an address without digits. The evidence has the line, what stands there, and what should.
        """,
        remedy: "Correct the line. 'nightjar strip FILE' tells whether all is well.")

    static let fileDoubtful = Explanation(
        "The file says what is probably not meant",
        """
        A line is allowed, but it has no effect or another one than it seems: a network whose address has bits beyond its \
        length, a setting that was given up, a comment key of Nightjar's with a value that it doesn't know, or one that looks \
        misspelt. Comment keys ("# Forwarding = nat") are comments to everybody else, so a typing error in them is no error.
        """,
        remedy: "Correct the line, or put a second # in front of a comment that is only a note.")

    static let noPrivateKey = Explanation(
        "The interface has no private key",
        """
        The private key is who the interface is. Without one it can neither call nor answer; nothing is logged at the other \
        side, since nothing arrives there.
        """,
        remedy: "Make a key with 'nightjar genkey', and give its public key ('nightjar pubkey') to every peer.")

    static let peerKeyIsOwn = Explanation(
        "A peer has the interface's own public key",
        """
        Each side has a key pair. Its own private key stands under [Interface], the other side's public key under [Peer]. Who \
        puts their own public key there calls themselves, and the handshake can't be right.
        """,
        remedy: "Ask the other side for 'nightjar show INTERFACE public-key', and put that under [Peer].")

    static let peerKeyIsPrivate = Explanation(
        "The private key stands where a public key belongs",
        """
        Private and public keys look alike: 44 characters that end in an equals sign. The doctor compares the two and says no \
        more of the key than the line it stands in.
        """,
        remedy: "Put the other side's public key there. A private key that somebody else has seen has to be replaced.")

    static let keyUsedTwice = Explanation(
        "Two interfaces share a private key and a peer",
        """
        A server knows a peer by its key alone, and sends its packets to where the key was heard from last. Two interfaces, or \
        two machines, with one key take turns in getting each other's packets: the connection works for some seconds, again and \
        again. It comes from copying a file to a second machine.
        """,
        remedy: "One key for each machine: 'nightjar new peer NAME' makes a file of its own.")

    static let keptKeyDiffers = Explanation(
        "A kept private key doesn't belong to the peer",
        """
        'nightjar new peer --keep-key' keeps the peer's private key in a comment of the server's file, so that its file can be \
        printed again. This one has another public key than the peer, as it happens when one of the two lines is edited by hand.
        """,
        remedy: "Put the right PublicKey there, or remove the line ClientPrivateKey.")

    static let duplicatePeer = Explanation(
        "Two peers of the file have the same public key",
        """
        To WireGuard they are one peer. What the later section says replaces what the earlier one said, so the first machine's \
        AllowedIPs are gone and it gets no packets, though its handshakes are answered.
        """,
        remedy: "Give each machine its own key pair.")

    static let allowedIPsMissing = Explanation(
        "A peer has no AllowedIPs",
        """
        AllowedIPs is two things in one: which destinations are sent to the peer, and which sources are accepted from it. It \
        isn't a list of who may connect. Without it handshakes work, and not a single packet passes.
        """,
        remedy:
            "On a server: the peer's address in the tunnel, as 10.0.0.2/32. On a client: what it wants to reach, as 0.0.0.0/0, ::/0."
    )

    static let allowedIPsMoved = Explanation(
        "A network of AllowedIPs belongs to another peer",
        """
        A network can be one peer's only. Given to a second peer it is silently taken from the first, by files ("last one wins") as \
        by 'wg set'. The first peer's handshakes go on; its packets are dropped as coming from a source that isn't its own.
        """,
        remedy: "Give each peer addresses of its own, then reload.")

    static let allowedIPsOverlap = Explanation(
        "A server's peer has the whole network as AllowedIPs",
        """
        What is right in a client's file, AllowedIPs = 10.0.0.0/24, isn't in the server's: there it gives the client all addresses \
        that no other peer has, so that it may pretend to be any of them, and packets for addresses nobody has go to it.

        Networks that hold others are fine as such: the most specific one counts. The doctor warns only of peers without an \
        endpoint that have the very network of the interface.
        """,
        remedy: "Write the single address that the client has: 10.0.0.2/32.")

    static let fileReadableByOthers = Explanation(
        "Everybody may read the private key",
        """
        Who has the private key can be this machine towards every peer. The file and its directory let every user of the \
        machine read it.
        """,
        remedy: "chmod 600 FILE")
}
