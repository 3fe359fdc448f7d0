import Control
import Tunnel
import Wire

extension DeviceAccess {
    /// Tells whatever serves an interface what peers are called and how long they may be used. Returns whether it was taken: nobody but
    /// Nightjar knows of such.
    func annotate(_ peers: [(key: PublicKey, annotation: PeerAnnotation)]) -> Bool {
        guard !peers.isEmpty else { return true }
        return (self as? UserspaceDevice)?.annotate(peers) ?? false
    }
}
