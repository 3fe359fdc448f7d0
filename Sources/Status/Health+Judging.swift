import Control
import LinuxNet
import Tunnel
import Wire

extension InterfaceSnapshot {
    /// How one of the snapshot's peers does.
    package func health(of peer: PeerSnapshot) -> Health {
        guard let status = peer.status else {
            return Health(peer.entry?.isEnabled == false ? .switchedOff : .notOnInterface)
        }
        if let suspension = peer.report?.suspension { return Health(.suspended(suspension)) }
        if let handshake = peer.handshake, handshake <= sessionLifetime {
            return Health(peer.report.flatMap(Self.silence) ?? .connected(handshake))
        }
        return Health(peer.report.map { causeWithoutSession($0, status) } ?? causeWithoutSession(peer, status))
    }

    /// How the interface does.
    ///
    /// - Parameter peers: how its peers do.
    package func health(peers: some Sequence<Health.Word>) -> Health {
        if status.privateKey?.isZero ?? true { return Health(.noPrivateKey) }
        if isUp == false { return Health(.interfaceDown) }
        if let report, report.bindFailure != 0 { return Health(.noSockets(report.bindFailure)) }
        let tally = Health.Tally(peers)
        return Health(tally.counts.isEmpty ? .noPeers : .peers(tally))
    }

    /// How the interface does.
    package func health() -> Health {
        health(peers: peers { health(of: $0).word })
    }
}

extension InterfaceSnapshot {
    /// Initiations are repeated after five seconds, so two without an answer are more than one that got lost.
    private static var unansweredInVain: UInt64 { 2 }

    /// Why a session is worth nothing; nil when nothing speaks against it.
    private static func silence(_ report: PeerReport) -> Health.Cause? {
        if report.unconfirmed >= unansweredInVain { return .unconfirmed(report.unconfirmed) }
        guard report.unanswered >= unansweredInVain else { return nil }
        return (report.heard ?? report.handshake).map { .fallenSilent($0) }
    }

    private func causeWithoutSession(_ report: PeerReport, _ status: PeerStatus) -> Health.Cause {
        let last = report.handshake
        let failures = report.refusals.filter { refusal in
            Self.failures.contains(refusal.reason) && refusal.age <= sessionLifetime
                && last.map { refusal.age < $0 } ?? true
        }
        if let failure = failures.min(by: { $0.age < $1.age }) { return .refused(failure.reason, failure.age) }
        if report.unconfirmed >= Self.unansweredInVain { return .unconfirmed(report.unconfirmed) }
        if report.unanswered >= Self.unansweredInVain { return .unanswered(report.unanswered, last: last) }
        if let last { return .quiet(last) }
        if report.unanswered > 0 { return .called }
        return status.endpoint == nil && report.endpointName == nil ? .hasToCall : .untried
    }

    /// What can be told by the counters that every program has.
    private func causeWithoutSession(_ peer: PeerSnapshot, _ status: PeerStatus) -> Health.Cause {
        if let last = peer.handshake {
            return status.persistentKeepalive > 0 && status.endpoint != nil ? .notKeptAlive(last) : .quiet(last)
        }
        if status.transmittedBytes > 0, status.receivedBytes == 0 {
            let isFirst = status.transmittedBytes < Self.unansweredInVain * Self.initiationLength
            return isFirst ? .called : .oneSided(status.transmittedBytes)
        }
        return status.endpoint == nil ? .hasToCall : .untried
    }

    /// Bytes of an initiation in WireGuard's own form. Protocol §5.
    private static var initiationLength: UInt64 { 148 }

    /// What is said of a handshake that doesn't fit, in contrast to one that comes at a bad time.
    private static let failures = Set(
        [
            DropReason.initiationReplayed, .initiationUndecryptable, .responseUndecryptable, .lowOrderKey, .wrongMAC1,
            .wrongDialect, .disguiseWrongTime,
        ].map(\.name))
}
