extension FindingCode {
    /// What can't be right as long as this is wrong, so that it needn't be told beside it.
    ///
    /// It counts within a finding's reach: one about a peer explains that peer's troubles, one about an interface those of
    /// all its peers, one about the machine everything.
    package var consequences: Set<FindingCode> {
        switch self {
        case .noTunDevice, .noNetAdmin:
            [.portInUse, .interfaceLeftBehind, .interfaceNotUp, .interfaceNotServed]
        case .fileInvalid, .noFirewallTool:
            [.interfaceNotUp]
        case .ipv6Off:
            [.interfaceNotUp, .addressMissing, .routeMissing, .forwardingOffIPv6]
        case .portInUse:
            Self.handshake.union([.interfaceNotUp, .interfaceDown, .noEndpoint])
        case .interfaceLeftBehind:
            [.interfaceNotUp, .interfaceNotServed]
        case .noPrivateKey:
            Self.handshake.union(Self.tunnel)
        case .peerKeyIsOwn:
            // A device has no such peer at all.
            Self.handshake.union(Self.tunnel).union([.noEndpoint, .differsFromFile])
        case .peerKeyIsPrivate, .keptKeyDiffers, .keyUsedTwice:
            Self.handshake.union(Self.tunnel).union([.noEndpoint])
        case .duplicatePeer:
            [.allowedIPsMissing, .differsFromFile]
        case .allowedIPsMissing:
            [.routeMissing, .replyRouteMissing, .sourceNotAllowed, .oneDirection, .dataDies, .dnsOutsideTunnel]
        case .allowedIPsMoved:
            [.allowedIPsMissing, .allowedIPsOverlap, .differsFromFile, .sourceNotAllowed, .oneDirection, .dataDies]
        case .allowedIPsOverlap:
            [.sourceNotAllowed]
        case .interfaceDown:
            Self.handshake.union(Self.tunnel).union(Self.way).union([.addressMissing])
        case .differsFromFile:
            [
                .noPrivateKey, .allowedIPsMissing, .addressMissing, .noEndpoint, .routeMissing, .replyRouteMissing,
                .sourceNotAllowed, .noAnswer, .unknownCaller, .presharedKeyDiffers, .oneDirection, .dataDies,
            ]
        case .addressMissing:
            [.routeMissing, .replyRouteMissing, .oneDirection, .dataDies, .firewallDropsForwarded, .noMasquerade]
        case .peerExpired, .peerOverQuota:
            Self.way.union(Self.handshake).union(Self.tunnel)
        case .noEndpoint:
            Self.tunnel.union([.noAnswer, .portClosed, .udpBlocked])
        case .endpointUnresolvable, .endpointMoved, .endpointInTunnel, .endpointUnroutable:
            Self.handshake.union(Self.tunnel).union([.portClosed, .udpBlocked])
        case .firewallDropsOutgoing, .firewallDropsIncoming, .reversePathFilter:
            Self.handshake.union(Self.tunnel).union([.portClosed, .udpBlocked])
        case .portClosed, .udpBlocked:
            [.noAnswer, .dataDies, .oneDirection, .mtuTooLarge]
        case .obfuscationDiffers:
            [.callerHasWrongKey, .unknownCaller, .noAnswer, .udpBlocked, .dataDies, .oneDirection]
        case .callerHasWrongKey, .unknownCaller, .clockBehind, .presharedKeyDiffers:
            [.noAnswer, .noEndpoint, .udpBlocked]
        case .noAnswer:
            [.dataDies, .oneDirection, .mtuTooLarge, .noKeepalive]
        case .routeMissing, .routeTaken, .replyRouteMissing:
            [.oneDirection, .dataDies]
        case .sourceNotAllowed, .firewallDropsTunnel, .mtuTooLarge:
            [.dataDies, .oneDirection]
        case .dataDies:
            [.oneDirection]
        case .forwardingOffIPv4, .forwardingOffIPv6:
            [.oneDirection]
        case .firewallDropsForwarded, .noMasquerade:
            [.oneDirection, .dataDies]
        case .fileDoubtful, .fileReadableByOthers, .interfaceNotUp, .interfaceNotServed, .oneDirection, .noKeepalive,
            .dnsOutsideTunnel, .dnsOverwritten:
            []
        }
    }

    private static let way: Set<FindingCode> = [
        .noEndpoint, .endpointUnresolvable, .endpointMoved, .endpointInTunnel, .endpointUnroutable,
        .firewallDropsOutgoing, .firewallDropsIncoming, .reversePathFilter, .portClosed, .udpBlocked,
    ]
    private static let handshake: Set<FindingCode> = [
        .obfuscationDiffers, .callerHasWrongKey, .unknownCaller, .clockBehind, .presharedKeyDiffers, .noAnswer,
        .portClosed, .udpBlocked,
    ]
    private static let tunnel: Set<FindingCode> = [
        .routeMissing, .replyRouteMissing, .sourceNotAllowed, .mtuTooLarge, .dataDies, .oneDirection, .noKeepalive,
    ]
}
