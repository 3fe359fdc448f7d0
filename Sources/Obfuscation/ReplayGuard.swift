import Synchronization
package import Tunnel

/// Remembers which handshake datagrams were taken, for dialects that date them: a copy is refused at once, after a while and after
/// a restart. Any number of threads may use it at the same time.
///
/// A datagram is taken once, if its time is near enough to now and after the floor, which for a program that has just started is the
/// newest time that the one before took, or else the start itself.
package final class ReplayGuard: Sendable {
    package enum Verdict: Equatable, Sendable {
        case accepted
        case replayed
        /// Its time is too far from ours.
        case wrongTime
        /// Its time is before the floor.
        case beforeStart
    }

    private let state: Mutex<State>
    private let capacity: Int

    private struct State {
        /// Datagrams are known by eight of their bytes that nobody can choose.
        var older: Set<UInt64> = []
        var newer: Set<UInt64> = []
        /// When `newer` was begun, in seconds.
        var begun: Int64 = 0
        let floor: Int64
        var newest: Int64
    }

    /// - Parameters:
    ///   - floor: milliseconds of Unix time; only what is dated later is taken.
    ///   - capacity: datagrams that are remembered for one ``accept(_:dated:now:within:)`` window; when there are more, none is taken.
    package init(floor: Int64, capacity: Int = 1 << 20) {
        state = Mutex(State(floor: floor, newest: floor))
        self.capacity = capacity
    }

    /// The newest time of what was taken, in milliseconds of Unix time: the floor for whoever comes after this program.
    package var newest: Int64 { state.withLock { $0.newest } }

    /// Takes a datagram, or tells why not.
    ///
    /// - Parameters:
    ///   - token: eight bytes of it that differ from datagram to datagram and are authenticated.
    ///   - time: when it was made, in milliseconds of Unix time.
    ///   - window: seconds that its time may lie before or after now.
    package func accept(_ token: UInt64, dated time: Int64, now: WallTime, within window: Int64) -> Verdict {
        let milliseconds = now.seconds &* 1000 &+ Int64(now.nanoseconds / 1_000_000)
        let (distance, overflow) = time.subtractingReportingOverflow(milliseconds)
        guard !overflow, distance.magnitude <= UInt64(window * 1000) else { return .wrongTime }
        return state.withLock { state in
            guard time > state.floor else { return .beforeStart }
            // What is older than two windows can't be taken any more, so it may be forgotten. A clock that was set back
            // only makes it last longer.
            if now.seconds &- state.begun > 2 * window {
                state.older = now.seconds &- state.begun > 4 * window ? [] : state.newer
                state.newer = []
                state.begun = now.seconds
            }
            guard !state.older.contains(token), !state.newer.contains(token) else { return .replayed }
            guard state.newer.count < capacity else { return .replayed }
            state.newer.insert(token)
            state.newest = max(state.newest, time)
            return .accepted
        }
    }
}
