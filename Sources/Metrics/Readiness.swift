import Control
package import Status
import Tunnel

/// Whether an interface does what it is for: a word for supervisors and a sentence for people.
package enum Readiness: Equatable, Sendable {
    case ready(String)
    case notReady(String)

    /// Ready is an interface that is up and has a session with one of the peers it expects.
    ///
    /// Expected are the peers that it keeps a session with all the time, by `PersistentKeepalive`; without any of those,
    /// all that it serves.
    package init(_ snapshot: InterfaceSnapshot) {
        let interface = ObservedInterface(snapshot)
        let served = interface.peers.filter { $0.health != .expired && $0.health != .overQuota }
        let constant = served.filter { $0.status.persistentKeepalive > 0 }
        let expected = constant.isEmpty ? served : constant
        let connected = expected.count { $0.health == .healthy }
        let health = snapshot.health(peers: expected.map(\.health))
        if interface.isUp != false, connected > 0 {
            self = .ready("\(connected) of \(expected.count) expected peers connected")
        } else if expected.isEmpty, !interface.peers.isEmpty {
            self = .notReady("\(snapshot.name): none of its peers may use it")
        } else {
            self = .notReady("\(snapshot.name): \(health.reason)")
        }
    }
}
