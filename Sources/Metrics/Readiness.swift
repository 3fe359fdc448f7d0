import Control
package import Status
import Tunnel

/// Whether an interface does what it is for, in a word for supervisors and a sentence for people.
package enum Readiness: Equatable, Sendable {
    case ready(String)
    case notReady(String)

    /// Ready is an interface that is up and has heard from one of the peers it expects within the life of a session.
    /// Expected are the peers that keep a session alive all the time, by `PersistentKeepalive`; without any of those, all
    /// that are served.
    package init(_ snapshot: InterfaceSnapshot) {
        let interface = ObservedInterface(snapshot)
        if let report = snapshot.report {
            guard report.isUp else {
                self = .notReady("\(snapshot.name) is down")
                return
            }
            guard report.bindFailure == 0 else {
                self = .notReady("\(snapshot.name) has no socket: error \(report.bindFailure)")
                return
            }
        }
        let served = interface.peers.filter { $0.report?.suspension == nil }
        let constant = served.filter { $0.status.persistentKeepalive > 0 }
        let expected = constant.isEmpty ? served : constant
        let alive = expected.count { $0.isAlive }
        if served.isEmpty {
            self = .notReady("\(snapshot.name) has no peers" + (interface.peers.isEmpty ? "" : " that may use it"))
        } else if alive > 0 {
            self = .ready("\(alive) of \(expected.count) expected peers are alive")
        } else {
            self = .notReady("none of \(expected.count) expected peers has been heard from in the last 3 minutes")
        }
    }
}
