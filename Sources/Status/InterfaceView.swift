package import Control
import LinuxNet
package import Quick
package import Tunnel
import Wire

/// One interface, as it is shown.
package struct InterfaceView: Sendable {
    package let snapshot: InterfaceSnapshot
    package let health: Health
    /// Those of the interface in its order, then those that only the file has.
    package let peers: [PeerView]
    /// Of all peers together; nil when there is only one look at them.
    package let rate: TransferRate?
    /// Nil when nobody knows.
    package let routes: InterfaceRoutes?

    /// - Parameter earlier: the same interface some time before.
    package init(_ snapshot: InterfaceSnapshot, since earlier: InterfaceSnapshot? = nil, routes: InterfaceRoutes? = nil)
    {
        let sample = earlier.map(TransferSample.init)
        var rate = TransferRate()
        peers = snapshot.peers { peer in
            let own = peer.status.flatMap { sample?.rate(of: $0, at: snapshot.moment) }
            if let own { rate += own }
            return PeerView(snapshot: peer, health: snapshot.health(of: peer), rate: own)
        }
        health = snapshot.health(peers: peers.lazy.map(\.health.word))
        self.snapshot = snapshot
        self.rate = sample == nil ? nil : rate
        self.routes = routes
    }

    package var name: String { snapshot.name.printable }

    /// UDP payload bytes of all peers that are there now.
    package var received: UInt64 { snapshot.status.peers.reduce(0) { $0.clampedSum($1.receivedBytes) } }
    package var sent: UInt64 { snapshot.status.peers.reduce(0) { $0.clampedSum($1.transmittedBytes) } }

    /// Reasons for drops that have occurred.
    package var drops: [DeviceReport.Count] { snapshot.report?.drops.filter { $0.count > 0 } ?? [] }

    /// What a peer speaks that doesn't say anything of its own.
    package var usualDialect: DialectName { ObfuscationSettings().dialectName(in: snapshot.status.obfuscation) }
}

/// One peer, as it is shown.
package struct PeerView: Sendable {
    package let snapshot: PeerSnapshot
    package let health: Health
    package let rate: TransferRate?

    package var received: UInt64 { snapshot.status?.receivedBytes ?? 0 }
    package var sent: UInt64 { snapshot.status?.transmittedBytes ?? 0 }
}

/// Interfaces, as they are shown.
package struct Overview: Sendable {
    package var interfaces: [InterfaceView] = []
    /// Those that don't answer.
    package var failures: [Failure] = []

    package struct Failure: Sendable {
        package let name: String
        /// Why: a sentence.
        package let reason: String

        package init(name: String, reason: String) {
            self.name = name
            self.reason = reason
        }
    }

    package init() {}

    /// Whether the system's routes are looked at.
    package enum Routes: Sendable {
        case none
        /// For interfaces with at most so many peers.
        case upTo(Int)
        case all
    }

    /// - Parameters:
    ///   - names: in this order.
    ///   - earlier: the interfaces' states some time before, for rates.
    package static func take(
        _ names: [String], since earlier: Overview? = nil, routes: Routes, _ surroundings: Surroundings,
        files: ConfigurationCache
    ) -> Overview {
        var overview = Overview()
        let before = Dictionary(earlier?.interfaces.map { ($0.snapshot.name, $0.snapshot) } ?? []) { first, _ in first }
        for name in names {
            do {
                let snapshot = try InterfaceSnapshot.take(name, surroundings, files: files)
                let link = routes.covers(snapshot.status.peers.count) ? snapshot.link : nil
                overview.interfaces.append(
                    InterfaceView(snapshot, since: before[name], routes: link.flatMap { try? InterfaceRoutes.of($0) }))
            } catch {
                overview.failures.append(Failure(name: name.printable, reason: "\(error)"))
            }
        }
        return overview
    }

    package var peerCount: Int { interfaces.reduce(0) { $0 + $1.peers.count } }
}

extension Overview.Routes {
    fileprivate func covers(_ peers: Int) -> Bool {
        switch self {
        case .none: false
        case .upTo(let most): peers <= most
        case .all: true
        }
    }
}
