/// The stable names of what the doctor can find, as scripts and `nightjar explain` know them, in the order of cause: what
/// stands further up has to be right before what is below can be.
package enum FindingCode: String, CaseIterable, Sendable {
    // The machine.
    case noTunDevice = "no-tun-device"
    case noNetAdmin = "no-net-admin"
    case noFirewallTool = "no-firewall-tool"
    case ipv6Off = "ipv6-off"

    // The file, and what it says of keys and addresses.
    case fileInvalid = "file-invalid"
    case fileDoubtful = "file-doubtful"
    case noPrivateKey = "no-private-key"
    case peerKeyIsOwn = "peer-key-is-own"
    case peerKeyIsPrivate = "peer-key-is-private"
    case keyUsedTwice = "key-used-twice"
    case keptKeyDiffers = "kept-key-differs"
    case duplicatePeer = "duplicate-peer"
    case allowedIPsMissing = "allowed-ips-missing"
    case allowedIPsMoved = "allowed-ips-moved"
    case allowedIPsOverlap = "allowed-ips-overlap"
    case fileReadableByOthers = "file-readable-by-others"

    // The interface.
    case portInUse = "port-in-use"
    case interfaceLeftBehind = "interface-left-behind"
    case interfaceNotUp = "interface-not-up"
    case interfaceNotServed = "interface-not-served"
    case interfaceDown = "interface-down"
    case differsFromFile = "differs-from-file"
    case addressMissing = "address-missing"
    case peerExpired = "peer-expired"
    case peerOverQuota = "peer-over-quota"

    // The way of datagrams to and from a peer.
    case noEndpoint = "no-endpoint"
    case endpointUnresolvable = "endpoint-unresolvable"
    case endpointMoved = "endpoint-moved"
    case endpointInTunnel = "endpoint-in-tunnel"
    case endpointUnroutable = "endpoint-unroutable"
    case firewallDropsOutgoing = "firewall-drops-outgoing"
    case firewallDropsIncoming = "firewall-drops-incoming"
    case reversePathFilter = "rp-filter"
    case portClosed = "port-closed"
    case udpBlocked = "udp-blocked"

    // The handshake.
    case obfuscationDiffers = "obfuscation-differs"
    case callerHasWrongKey = "caller-has-wrong-key"
    case unknownCaller = "unknown-caller"
    case clockBehind = "clock-behind"
    case presharedKeyDiffers = "preshared-key-differs"
    case noAnswer = "no-answer"

    // Packets through the tunnel.
    case routeMissing = "route-missing"
    case routeTaken = "route-taken"
    case replyRouteMissing = "reply-route-missing"
    case sourceNotAllowed = "source-not-allowed"
    case firewallDropsTunnel = "firewall-drops-tunnel"
    case mtuTooLarge = "mtu-too-large"
    case dataDies = "data-dies"
    case oneDirection = "one-direction"
    case noKeepalive = "no-keepalive"

    // Beyond the tunnel.
    case forwardingOffIPv4 = "forwarding-off-ipv4"
    case forwardingOffIPv6 = "forwarding-off-ipv6"
    case firewallDropsForwarded = "firewall-drops-forwarded"
    case noMasquerade = "no-masquerade"
    case dnsOutsideTunnel = "dns-outside-tunnel"
    case dnsOverwritten = "dns-overwritten"

    /// Its place in the order of cause.
    package var rank: Int { Self.ranks[self] ?? 0 }

    private static let ranks = Dictionary(uniqueKeysWithValues: allCases.enumerated().map { ($1, $0) })
}
