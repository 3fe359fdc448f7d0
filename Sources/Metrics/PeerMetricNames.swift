/// Under which names bytes and handshakes of peers are told. Dashboards are made for one of two exporters.
package enum PeerMetricNames: String, CaseIterable, Sendable {
    /// MindFlavor's prometheus_wireguard_exporter, which most dashboards are made for: `wireguard_sent_bytes_total`.
    case mindflavor
    /// mdlayher's wireguard_exporter: `wireguard_peer_transmit_bytes_total`.
    case mdlayher
    case both

    var includesMindFlavor: Bool { self != .mdlayher }
    var includesMdlayher: Bool { self != .mindflavor }
}
