import LinuxNet
import Synchronization
import Tunnel

/// The sockets that a device sends on now; none while the interface is down.
///
/// A sender holds on to the sockets for one batch, so one that is replaced meanwhile closes after it.
final class SocketSet: Sendable {
    private let pair = Mutex<UDPSocketPair?>(nil)

    var current: UDPSocketPair? { pair.withLock { $0 } }

    /// Puts new sockets, or none, in place and returns the ones before.
    func replace(with new: UDPSocketPair?) -> UDPSocketPair? {
        pair.withLock { pair in
            let old = pair
            pair = new
            return old
        }
    }
}
