import LinuxNet
import Synchronization
import Tunnel
import Wire

/// The outbound lane with its lock, under which packets are read and sent in one go, so that none overtakes another.
///
/// Its own thread waits for packets. A receiving thread that writes to the TUN device looks in as well: the answer to
/// what came in, an acknowledgement say, is often there at once, and so leaves without waking a thread.
final class OutboundPath: Sendable {
    /// Packets that a receiving thread sends before it goes back to receiving.
    private static let answerLimit = 8
    /// Packets written at once from which on the kernel may have more answers than the device's queue of 500 holds.
    private static let manyPackets = 64
    /// Packets that the thread of its own sends before it looks whether it has to stop.
    private static let turnLimit = 1024

    private let watch: TunWatch
    private let lane: Mutex<OutboundLane>
    /// Whether the thread of its own sleeps, or is about to: only then somebody else may answer.
    private let isWaiting = Atomic<Bool>(false)

    /// - Parameter seed: of what disguises draw.
    init(
        device: TunDevice, shared: DeviceShared, sockets: SocketSet, stop: Doorbell, seed: Secret32
    ) throws(SystemError) {
        watch = try TunWatch(device, doorbell: stop)
        lane = Mutex(OutboundLane(device: device, shared: shared, sockets: sockets, seed: seed))
    }

    /// Moves packets until the doorbell for stopping rings or the device is gone.
    func run() -> LaneEnd {
        while true {
            if lane.withLock({ $0.drain(limit: Self.turnLimit) }) == .deviceGone { return .deviceGone }
            isWaiting.store(true, ordering: .sequentiallyConsistent)
            let outcome = watch.wait()
            isWaiting.store(false, ordering: .sequentiallyConsistent)
            if outcome == .rung { return .stopped }
        }
    }

    /// Does `write`, which writes `packets` to the device, and sends what the kernel answers, unless the thread of its own is awake
    /// to do so. Whatever is left then wakes it.
    func answering<R>(_ packets: Int, _ write: () -> R) -> R {
        guard packets < Self.manyPackets, isWaiting.load(ordering: .sequentiallyConsistent) else { return write() }
        watch.pause()
        defer { watch.resume() }
        let result = write()
        // Receiving doesn't wait for sending.
        _ = lane.withLockIfAvailable { $0.drain(limit: Self.answerLimit, waitsForRoom: false) }
        return result
    }
}

/// Why a thread of the data path stopped.
enum LaneEnd: Sendable {
    /// It was told to.
    case stopped
    /// The TUN device was deleted.
    case deviceGone
}
