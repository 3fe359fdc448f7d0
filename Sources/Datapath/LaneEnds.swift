import Synchronization

/// Where lanes say why they stopped.
final class LaneEnds: Sendable {
    private let deviceGone = Atomic<Bool>(false)
    private let wakeControl: @Sendable () -> Void

    init(wakeControl: @escaping @Sendable () -> Void) {
        self.wakeControl = wakeControl
    }

    func report(_ end: LaneEnd) {
        guard end == .deviceGone else { return }
        deviceGone.store(true, ordering: .relaxed)
        wakeControl()
    }

    var isDeviceGone: Bool { deviceGone.load(ordering: .relaxed) }
}
