/// One metric, as Prometheus' text format declares it.
package struct MetricFamily: Equatable, Sendable {
    package enum Kind: String, Sendable {
        case counter, gauge
    }

    package let name: String
    /// A sentence without line ends.
    package let help: String
    package let kind: Kind

    init(_ name: String, _ kind: Kind, _ help: String) {
        self.name = name
        self.kind = kind
        self.help = help
    }
}

// MARK: - What other exporters have

/// Under the names of MindFlavor's prometheus_wireguard_exporter, with `interface`, `public_key`, `allowed_ips` and
/// `friendly_name`.
extension MetricFamily {
    static let sentBytes = MetricFamily(
        "wireguard_sent_bytes_total", .counter, "Bytes sent to the peer, as UDP payload.")
    static let receivedBytes = MetricFamily(
        "wireguard_received_bytes_total", .counter, "Bytes received from the peer, as UDP payload.")
    static let latestHandshake = MetricFamily(
        "wireguard_latest_handshake_seconds", .gauge,
        "Unix time of the last completed handshake; absent when there was none.")
}

/// Under the names of mdlayher's wireguard_exporter, with `device` and `public_key`.
extension MetricFamily {
    static let deviceInfo = MetricFamily("wireguard_device_info", .gauge, "An interface and its public key.")
    static let peerInfo = MetricFamily(
        "wireguard_peer_info", .gauge, "A peer with its allowed IPs, its endpoint and its name.")
    static let peerTransmitBytes = MetricFamily(
        "wireguard_peer_transmit_bytes_total", .counter, "Bytes sent to the peer, as UDP payload.")
    static let peerReceiveBytes = MetricFamily(
        "wireguard_peer_receive_bytes_total", .counter, "Bytes received from the peer, as UDP payload.")
    static let peerLastHandshake = MetricFamily(
        "wireguard_peer_last_handshake_seconds", .gauge,
        "Unix time of the last completed handshake; absent when there was none.")
}

// MARK: - What nobody else has

/// With `interface`.
extension MetricFamily {
    static let buildInfo = MetricFamily("nightjar_build_info", .gauge, "The version of Nightjar.")
    static let interfaceInfo = MetricFamily(
        "nightjar_interface_info", .gauge,
        "An interface with its public key, its port, who serves it (nightjar, program or kernel) and its obfuscation.")
    static let interfaceUp = MetricFamily(
        "nightjar_interface_up", .gauge, "1 while the interface is up and has its sockets.")
    static let startTime = MetricFamily(
        "nightjar_interface_start_time_seconds", .gauge, "Unix time that its daemon was started at.")
    static let mtu = MetricFamily("nightjar_interface_mtu_bytes", .gauge, "The interface's MTU.")
    static let underLoad = MetricFamily(
        "nightjar_interface_under_load", .gauge,
        "1 while senders of handshakes have to prove their address by a cookie.")
    static let drops = MetricFamily(
        "nightjar_interface_drops_total", .counter, "Packets and datagrams that were dropped, by reason.")
    static let peers = MetricFamily(
        "nightjar_interface_peers", .gauge,
        "Peers by health: healthy, idle, waiting, silent, refused, expired, over-quota, or in the file only: off, missing."
    )
}

/// With `interface` and `public_key`.
extension MetricFamily {
    static let ownPeerInfo = MetricFamily(
        "nightjar_peer_info", .gauge, "A peer with its name, its allowed IPs, its endpoint and its obfuscation.")
    static let peerUp = MetricFamily(
        "nightjar_peer_up", .gauge, "1 while there is a session with the peer, and what is sent to it isn't in vain.")
    static let handshakes = MetricFamily(
        "nightjar_peer_handshakes_total", .counter,
        "Handshakes by result: completed-as-initiator, completed-as-responder, or no-answer after all tries.")
    static let refusals = MetricFamily(
        "nightjar_peer_refused_messages_total", .counter, "Messages of the peer that were refused, by reason.")
    static let initiationsSent = MetricFamily(
        "nightjar_peer_sent_initiations_total", .counter, "Handshake initiations sent to the peer.")
    static let initiationsAccepted = MetricFamily(
        "nightjar_peer_accepted_initiations_total", .counter, "Handshake initiations of the peer that were answered.")
    static let unanswered = MetricFamily(
        "nightjar_peer_unanswered_initiations", .gauge,
        "Initiations since the last completed handshake that nothing has answered.")
    static let roundTrip = MetricFamily(
        "nightjar_peer_handshake_duration_seconds", .gauge,
        "From initiation to response, of the last handshake that this side began.")
    static let heard = MetricFamily(
        "nightjar_peer_last_heard_seconds", .gauge,
        "Unix time that something authenticated last came at; absent when never.")
    static let foreignSources = MetricFamily(
        "nightjar_peer_foreign_source_packets_total", .counter,
        "Packets of the peer whose source isn't among its allowed IPs.")
    static let suspended = MetricFamily(
        "nightjar_peer_suspended", .gauge, "1 with the reason while the peer isn't served: expired or over-quota.")
    static let expiry = MetricFamily(
        "nightjar_peer_expiry_seconds", .gauge, "Unix time from which on the peer isn't served.")
    static let quota = MetricFamily(
        "nightjar_peer_quota_bytes", .gauge, "UDP payload of both directions that the peer may use.")
    static let quotaUsed = MetricFamily(
        "nightjar_peer_quota_used_bytes", .gauge, "How much of its quota the peer has used.")
}
