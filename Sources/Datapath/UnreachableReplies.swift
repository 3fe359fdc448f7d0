import CLinux
import Glibc
import LinuxNet
import Tunnel
import Wire

/// Tells local programs that a packet has nowhere to go, by ICMP errors written back into the TUN device, as the
/// kernel's WireGuard does. Protocol §14.
struct UnreachableReplies: ~Copyable {
    /// As many at once, and so many a second: the kernel's own limits for ICMP.
    private static let burst: UInt64 = 50
    private static let interval: UInt64 = 1_000_000

    private let device: TunDevice
    private let buffer: UnsafeMutableRawBufferPointer
    /// The time up to which the allowance is used, never more than a burst behind now.
    private var usedUntil: UInt64 = 0

    init(device: TunDevice) {
        self.device = device
        buffer = .allocate(byteCount: VirtioHeader.size + Unreachable.maximumSize6, alignment: 16)
    }

    deinit {
        buffer.deallocate()
    }

    /// Answers `packet` unless there must be no answer to such a packet, or there were too many.
    mutating func answer(_ packet: IPPacket, now: Instant) {
        let oldest = now.nanoseconds - min(now.nanoseconds, Self.burst * Self.interval)
        usedUntil = max(usedUntil, oldest)
        guard usedUntil + Self.interval <= now.nanoseconds else { return }
        let headerSize = device.offloads.virtioHeader ? VirtioHeader.size : 0
        guard
            let length = Unreachable.write(
                about: packet, into: UnsafeMutableRawBufferPointer(rebasing: buffer[headerSize...]))
        else { return }
        usedUntil += Self.interval
        if headerSize > 0 { VirtioHeader().store(to: buffer.baseAddress!) }
        var slice = iovec(iov_base: buffer.baseAddress, iov_len: headerSize + length)
        // The answer is a courtesy: when the device doesn't take it, the packet's drop is counted all the same.
        _ = device.write(&slice, count: 1)
    }
}
