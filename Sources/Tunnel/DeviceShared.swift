import Synchronization
import Wire

/// What the control thread and the lanes of one device share. Everything here may be used from any thread.
package final class DeviceShared: Sendable {
    /// The peers' allowed IPs.
    package let routes = RoutingTable()
    /// The sessions by receiver index.
    package let indices = IndexTable()
    /// What was dropped, by reason.
    package let drops = DropCounters()
    /// What the lanes ask of the control thread.
    package let signals: SignalQueue

    private let mtuBytes: Atomic<Int>
    private let up = Atomic<Bool>(false)

    /// - Parameter wakeControl: called from any thread when the control thread has something to look at.
    package init(mtu: Int, wakeControl: @escaping @Sendable () -> Void) {
        mtuBytes = Atomic(mtu)
        signals = SignalQueue(wakeControl: wakeControl)
    }

    /// The interface's MTU in bytes, which bounds the padding.
    package var mtu: Int {
        get { mtuBytes.load(ordering: .relaxed) }
        set { mtuBytes.store(newValue, ordering: .relaxed) }
    }

    /// Whether the interface is up, so that packets may flow.
    package internal(set) var isUp: Bool {
        get { up.load(ordering: .relaxed) }
        set { up.store(newValue, ordering: .relaxed) }
    }
}

/// What a lane asks the control thread to look at, for one peer.
package struct PeerSignals: OptionSet, Sendable {
    package let rawValue: UInt32

    package init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// A session is needed or should be renewed.
    package static let initiationWanted = Self(rawValue: 1)
    /// The first packet came on a session that we answered for.
    package static let sessionConfirmed = Self(rawValue: 2)
    /// A timer was armed that ends before the control thread would look next.
    package static let timerArmed = Self(rawValue: 4)
    /// The peer's endpoint changed.
    package static let roamed = Self(rawValue: 8)
    /// The peer may have used all that it was granted.
    package static let allowanceUsed = Self(rawValue: 16)
}

/// Peers that wait for the control thread, each at most once.
package final class SignalQueue: Sendable {
    private let waiting = Mutex<[Peer]>([])
    private let wakeControl: @Sendable () -> Void

    init(wakeControl: @escaping @Sendable () -> Void) {
        self.wakeControl = wakeControl
    }

    func raise(_ signals: PeerSignals, for peer: Peer) {
        let (before, _) = peer.pendingSignals.bitwiseOr(signals.rawValue, ordering: .acquiringAndReleasing)
        guard before == 0 else { return }
        let wasEmpty = waiting.withLock { waiting in
            waiting.append(peer)
            return waiting.count == 1
        }
        if wasEmpty { wakeControl() }
    }

    /// Takes all waiting peers; each stays marked as waiting until ``signals(of:)`` is asked.
    func take() -> [Peer] {
        waiting.withLock { waiting in
            let peers = waiting
            waiting.removeAll(keepingCapacity: true)
            return peers
        }
    }

    /// What was raised for a peer that was taken; from here on it may wait again.
    func signals(of peer: Peer) -> PeerSignals {
        PeerSignals(rawValue: peer.pendingSignals.exchange(0, ordering: .acquiringAndReleasing))
    }

    /// Has the control thread called back for peers that were taken and not served.
    func wakeAgain() {
        wakeControl()
    }
}
