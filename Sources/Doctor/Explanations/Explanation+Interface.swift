/// The interface, and the ways to its peers as far as this machine decides on them.
extension Explanation {
    static let portInUse = Explanation(
        "The UDP port is taken",
        """
        The interface is to listen on a port that another program has, often a second WireGuard interface. An interface that \
        can't have its port neither sends nor receives.
        """,
        remedy: "'ss -lunp sport = :PORT' names the program. End it, or choose another ListenPort.")

    static let interfaceLeftBehind = Explanation(
        "What served the interface has ended",
        """
        'nightjar up' writes down what it changes before it changes it. These notes say that the interface is up, and it isn't \
        there: the daemon has crashed or was killed. Rules, name servers and a kill switch are as they were while it was up.
        """,
        remedy:
            "'nightjar up' clears that away and begins anew; with systemctl enable --now nightjar@INTERFACE that happens by itself."
    )

    static let interfaceNotUp = Explanation(
        "The interface isn't up",
        "There is a configuration file, and no interface of its name.",
        remedy: "nightjar up INTERFACE; at every start: systemctl enable --now nightjar@INTERFACE")

    static let interfaceNotServed = Explanation(
        "Nobody serves the interface",
        """
        An interface of this name exists, but it is neither one of the kernel's WireGuard nor does a program answer for it on a \
        configuration socket. It may be a TUN device of another VPN, or one that was made to stay and lost its program.
        """,
        remedy: "Delete it (ip link delete INTERFACE) if it is a leftover, else take another name.")

    static let interfaceDown = Explanation(
        "The interface is switched off",
        """
        It exists and is configured, but its link is down. Then it has no socket, forgets its sessions, and the kernel has \
        removed its routes.
        """,
        remedy: "nightjar down INTERFACE; nightjar up INTERFACE brings the routes back as well.")

    static let differsFromFile = Explanation(
        "The interface isn't what its file says",
        """
        The file was edited and not reloaded, or the interface was changed by 'wg set'. Which of the two is meant only you know: \
        the file counts at the next 'up'.

        Endpoints aren't compared where there is one, since peers roam.
        """,
        remedy: "'nightjar reload' takes the file's side and drops nobody; 'nightjar save' takes the interface's.")

    static let addressMissing = Explanation(
        "The interface lacks an address",
        """
        Without its address this machine has nothing to send from in the tunnel, and doesn't take what is sent to it. Some \
        network managers remove addresses from interfaces that they believe to be theirs.
        """,
        remedy: "nightjar reload INTERFACE; tell NetworkManager or systemd-networkd to leave the interface alone.")

    static let endpointInTunnel = Explanation(
        "The way to the endpoint leads into the tunnel",
        """
        The tunnel's own datagrams to the peer would have to travel through the tunnel that they make. It happens when AllowedIPs \
        holds the peer's public address, in halves of everything (0.0.0.0/1, 128.0.0.0/1) or as a network around it. For 0.0.0.0/0 \
        and ::/0 as they are, 'up' marks the tunnel's datagrams and keeps them apart by policy rules.
        """,
        remedy: "Write 0.0.0.0/0, or exclude the address: 'nightjar new peer --exclude' computes such lists.")

    static let endpointUnroutable = Explanation(
        "There is no route to the endpoint",
        "The machine has no way to the peer's address: no default route, or no IPv6 while the endpoint is an IPv6 address.",
        remedy: "Mend the network outside of the tunnel first: ip route; ip -6 route")

    static let firewallDropsOutgoing = Explanation(
        "The firewall drops what the tunnel sends",
        """
        The doctor goes through the rules of nft and iptables with a datagram as the tunnel sends it. It tells what certainly \
        drops it; rules that it can't decide on don't count. A kill switch that was left behind by another tunnel does the same.
        """,
        remedy: "Change the rule that the evidence names.")

    static let firewallDropsIncoming = Explanation(
        "The firewall drops what peers send to the port",
        """
        A firewall that drops what it doesn't know needs a rule for the UDP port that the interface listens on; a client, which \
        only calls, needs that answers to its own datagrams are accepted. The doctor tells only what certainly drops them, and \
        nothing while peers get through. A firewall of the hoster's in front of the machine it can't see.
        """,
        remedy: "Accept UDP to the ListenPort: nft, iptables, or 'ufw allow PORT/udp'.")

    static let reversePathFilter = Explanation(
        "The reverse path filter drops packets",
        """
        With rp_filter = 1 the kernel drops IPv4 packets which come by another interface than the one it would answer by \
        (RFC 3704). Tunnels with default routes make such cases: the answer to a datagram of the peer seems to lead into the \
        tunnel, unless the filter looks at marks (src_valid_mark) and the mark is put on answers. Networks without a route into \
        the tunnel are the other case.

        The kernel logs nothing of it; it counts: nstat -az TcpExtIPReversePathFilter.
        """,
        remedy:
            "net.ipv4.conf.all.src_valid_mark = 1 for tunnels with a default route; rp_filter = 2 where ways differ on purpose."
    )

    static let routeMissing = Explanation(
        "There is no route into the tunnel",
        """
        AllowedIPs say what may go to a peer; it is routes that bring packets to the interface in the first place. 'nightjar up' \
        makes a route for each network of AllowedIPs. One of them is gone: removed by hand, by a network manager, or when the \
        link went down.
        """,
        remedy: "Add the route, or take the interface down and up again.")

    static let routeTaken = Explanation(
        "Another interface takes the tunnel's packets",
        """
        Two interfaces have routes for the same addresses, and the more specific or the better one wins. Typical are two VPNs with \
        the same private network, and a network at home that has the numbers of the one in the office.
        """,
        remedy: "Take one of them away, narrow AllowedIPs, or renumber one of the networks.")

    static let replyRouteMissing = Explanation(
        "There is no way back to a peer",
        """
        Nobody makes routes for an interface with Table = off, or one that was set up by 'wg set'. This one has no route for any \
        of the peer's networks: its packets arrive, and the answers leave by another interface or not at all.
        """,
        remedy: "ip route add NETWORK dev INTERFACE for what AllowedIPs has.")

    static let firewallDropsTunnel = Explanation(
        "The firewall drops packets in the tunnel",
        """
        Handshakes work, since these are between the machines. The packets inside come out of the interface, and there a rule \
        drops them.
        """,
        remedy:
            "Accept what comes in by the interface: nft insert rule … iifname INTERFACE accept; ufw allow in on INTERFACE"
    )

    static let forwardingOffIPv4 = Explanation(
        "IPv4 forwarding is off",
        """
        A machine passes packets on between its interfaces only when it is told to. While it isn't, peers reach the server itself \
        and nothing behind it: neither the Internet nor each other. IPv4 and IPv6 have a setting of their own each.

        The doctor knows that it is wanted from the file, and from packets that the kernel has counted as dropped.
        """,
        remedy:
            "\"# Forwarding = nat\" or \"# Forwarding = on\" in the file lets 'nightjar up' do it; or sysctl -w net.ipv4.ip_forward=1."
    )

    static let forwardingOffIPv6 = Explanation(
        "IPv6 forwarding is off",
        """
        As forwarding-off-ipv4, for IPv6. A machine that forwards IPv6 takes no more advertisements of routers unless accept_ra is \
        2, so a server that has its own default route from one loses it; 'nightjar up' sees to that.
        """,
        remedy: "\"# Forwarding = nat\" in the file, or sysctl -w net.ipv6.conf.all.forwarding=1.")

    static let firewallDropsForwarded = Explanation(
        "The firewall forwards no packets of peers",
        """
        Forwarding is on, but the chain that decides on forwarded packets drops them. Docker and ufw set its policy to drop, so \
        that all that isn't theirs needs a rule.
        """,
        remedy:
            "iptables -I FORWARD -i INTERFACE -j ACCEPT, and the same with -o; 'nightjar up' does it for \"# Forwarding = nat\"."
    )

    static let noMasquerade = Explanation(
        "Packets of peers leave with private addresses",
        """
        What peers send to the Internet has their addresses in the tunnel as its source. Nobody out there knows a way to these, \
        so the server has to put its own address in their place (masquerade, source NAT). Networks behind it that have a route \
        back need no such thing.
        """,
        remedy:
            "\"# Forwarding = nat\" below [Interface], or a rule: iptables -t nat -A POSTROUTING -s NETWORK -o UPLINK -j MASQUERADE."
    )

    static let dnsOutsideTunnel = Explanation(
        "Names are asked outside of the tunnel",
        """
        Either the file's DNS servers are in no peer's AllowedIPs, so that questions to them don't go into the tunnel: if the \
        server is private, "addresses work and names don't". Or all traffic goes into the tunnel but the name server of the local \
        network is still asked, which learns every name.
        """,
        remedy: "Have the DNS server in AllowedIPs, and name it in DNS.")

    static let dnsOverwritten = Explanation(
        "The tunnel's name servers were replaced",
        """
        'nightjar up' has put them into resolv.conf or told systemd-resolved, and they aren't there any more. DHCP clients and \
        NetworkManager write resolv.conf whenever a lease is renewed.
        """,
        remedy:
            "Down and up sets them again; systemd-resolved or resolvconf keep the servers of several interfaces apart.")
}
