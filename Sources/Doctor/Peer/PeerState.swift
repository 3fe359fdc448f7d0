import Control
import LinuxNet
import Tunnel

/// A peer at one moment.
struct PeerState {
    let status: PeerStatus
    /// Nil where the daemon isn't Nightjar.
    let report: PeerReport?

    /// Whether a handshake was completed within the time that no other is begun.
    var hasJustCompleted: Bool {
        guard let report, report.unanswered == 0, report.unconfirmed == 0 else { return false }
        return report.handshake.map { $0.milliseconds < 6000 } ?? false
    }

    /// Whether there is a session that the other side surely still has, as far as the wall clock tells.
    var hasRecentHandshake: Bool {
        let last = status.lastHandshake.seconds
        return last > 0 && (0..<120).contains(Clock.wallTime().seconds - last)
    }

    /// Whether the peer calls, and doesn't use the answers.
    var isCalling: Bool { (report?.unconfirmed ?? 0) > 0 }

    private var undecryptable: UInt64 {
        report?.refusals.first { $0.reason == DropReason.responseUndecryptable.name }?.count ?? 0
    }

    private var completed: UInt64 {
        guard let report else { return 0 }
        return report.completedAsInitiator &+ report.completedAsResponder
    }

    /// Of the call that was made at `former`; nil as long as nothing has come of it.
    func outcome(since former: PeerState) -> PeerProbe.Call? {
        if undecryptable > former.undecryptable { return .undecryptable }
        if let report {
            return completed > former.completed ? .answered(microseconds: report.handshakeMicroseconds) : nil
        }
        return status.lastHandshake != former.status.lastHandshake ? .answered(microseconds: nil) : nil
    }

    /// What has come from the peer since `former`.
    func life(since former: PeerState) -> PeerProbe.Echo? {
        guard status.receivedBytes > former.status.receivedBytes else { return nil }
        guard let report, let old = former.report else { return .lifeOnly }
        // Handshakes of a peer that hears nothing are no sign of life.
        guard report.initiationsAccepted == old.initiationsAccepted, completed == former.completed else { return nil }
        if let age = report.dataReceived, old.dataReceived.map({ age < $0 }) ?? true { return .dataOnly }
        return .lifeOnly
    }
}
