import Logging
import Tunnel
import Wire

/// Turns the tunnel's events into log lines.
///
/// Refused handshakes come from strangers, as many as they like, so they are told only at the debug level.
struct EventLog {
    func write(_ event: Device.Event, to logger: Logger, disguises: Disguises) {
        switch event {
        case .initiationSent(let peer, let endpoint, let attempt):
            logger.debug("peer(\(peer.short)) - Sending handshake initiation to \(endpoint), attempt \(attempt)")
        case .handshakeCompleted(let peer, let endpoint, let asInitiator, _):
            logger.debug(
                "peer(\(peer.short)) - Handshake completed with \(endpoint) as \(asInitiator ? "initiator" : "responder")"
            )
        case .handshakeRefused(let reason, let endpoint, let peer):
            let name = peer.map { " of peer(\($0.short))" } ?? ""
            logger.debug("Handshake message\(name) from \(endpoint) dropped: \(reason.name)")
        case .wrongDialect(let peer, let endpoint, let dialect):
            let (came, own) = (disguises.name(ofDialect: dialect), disguises.name(for: peer))
            logger.info(
                "peer(\(peer.short)) - Handshake message from \(endpoint) dropped: it came as \(came), but here the peer is set to \(own)"
            )
        case .initiationImpossible(let peer, let reason):
            logger.debug("peer(\(peer.short)) - Can't send a handshake initiation: \(explanation(of: reason))")
        case .silent, .unconfirmed:
            break
        case .gaveUp(let peer, _, let attempts, let dropped):
            logger.debug(
                "peer(\(peer.short)) - No answer after \(attempts) handshake initiations, giving up; \(dropped) waiting packets dropped"
            )
        case .keysErased(let peer):
            logger.debug(
                "peer(\(peer.short)) - Session keys erased: no new session for three times as long as one lasts")
        case .keepaliveSent(let peer):
            logger.debug("peer(\(peer.short)) - Sending keepalive packet")
        case .roamed(let peer, let endpoint, _):
            logger.debug("peer(\(peer.short)) - Endpoint is now \(endpoint)")
        case .underLoad:
            logger.debug("Under load: handshakes need a cookie from now on")
        }
    }

    private func explanation(of reason: DropReason) -> String {
        switch reason {
        case .noEndpoint: "no known endpoint for the peer"
        case .noPrivateKey: "the interface has no private key"
        case .lowOrderKey: "the peer's public key is not a valid one"
        default: reason.name
        }
    }
}
