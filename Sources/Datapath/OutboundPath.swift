import LinuxNet
import Synchronization
import Tunnel

/// The outbound lane with its lock, under which packets are read and sent in one go, so that none overtakes another.
///
/// Its own thread waits for packets. A receiving thread that has just written to the TUN device looks in as well: the
/// answer to what came in, an acknowledgement say, is often there already, and so leaves without waking a thread.
final class OutboundPath: Sendable {
    /// Packets that a receiving thread sends before it goes back to receiving.
    private static let answerLimit = 8
    /// Packets that the thread of its own sends before it looks whether it has to stop.
    private static let turnLimit = 1024

    private let device: TunDevice
    private let lane: Mutex<OutboundLane>

    init(device: TunDevice, shared: DeviceShared, sockets: SocketSet) {
        self.device = device
        lane = Mutex(OutboundLane(device: device, shared: shared, sockets: sockets))
    }

    /// Moves packets until `stop` rings or the device is gone.
    func run(until stop: Doorbell) -> LaneEnd {
        while true {
            if lane.withLock({ $0.drain(limit: Self.turnLimit) }) == .deviceGone { return .deviceGone }
            if device.waitReadable(or: stop) == .rung { return .stopped }
        }
    }

    /// Sends what is there, if nobody else is about to.
    func sendAnswers() {
        _ = lane.withLockIfAvailable { $0.drain(limit: Self.answerLimit) }
    }
}

/// Why a thread of the data path stopped.
enum LaneEnd: Sendable {
    /// It was told to.
    case stopped
    /// The TUN device was deleted.
    case deviceGone
}
