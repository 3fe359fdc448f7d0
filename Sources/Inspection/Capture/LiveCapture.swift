import CLinux
import Glibc
package import LinuxNet

/// Packets of an interface as they pass, in both directions.
package struct LiveCapture: ~Copyable {
    /// Bytes of a packet that are kept.
    private static let snapLength = 2048
    /// Bytes that the kernel holds until they are read.
    private static let bufferSize: Int32 = 16 << 20

    private let descriptor: OwnedDescriptor
    private let isLoopback: Bool
    private var buffer = [UInt8](repeating: 0, count: snapLength)

    package init(interface: String) throws(SystemError) {
        isLoopback = interface == "lo"
        descriptor = try Self.open(interface)
    }

    private static func open(_ interface: String) throws(SystemError) -> OwnedDescriptor {
        let attempt = "capture from \(interface)"
        let index = if_nametoindex(interface)
        guard index != 0 else { throw SystemError(errno, attempt, advice: "ip link lists the interfaces") }
        // Packets come without the header of their link, whatever that is.
        let type = Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let number = socket(AF_PACKET, type, 0)
        guard number >= 0 else { throw SystemError(errno, attempt, advice: "this needs CAP_NET_RAW: run as root") }
        let descriptor = OwnedDescriptor(owning: number)
        var size = bufferSize
        setsockopt(number, SOL_SOCKET, SO_RCVBUFFORCE, &size, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_ll()
        address.sll_family = UInt16(AF_PACKET)
        address.sll_protocol = UInt16(ETH_P_ALL).bigEndian
        address.sll_ifindex = Int32(bitPattern: index)
        let code = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(number, $0, socklen_t(MemoryLayout<sockaddr_ll>.size))
            }
        }
        guard code == 0 else { throw SystemError(errno, attempt) }
        return descriptor
    }

    /// Hands packets on until `deadline` (nanoseconds on ``Clock/bootTime()``), until there are `limit`, or until one of
    /// `signals` arrives; nil is never.
    package mutating func run(
        until deadline: UInt64?, limit: Int?, signals: borrowing Signals, _ body: (CapturedPacket) -> Void
    ) throws(SystemError) {
        var packets = 0
        while packets < limit ?? .max {
            let now = Clock.bootTime()
            guard now < deadline ?? .max else { return }
            // Rounded up, so that the last millisecond isn't spent in turning around.
            let left = deadline.map { Int32(clamping: ($0 - now) / 1_000_000 + 1) } ?? -1
            var waits = [
                pollfd(fd: descriptor.number, events: Int16(POLLIN), revents: 0),
                pollfd(fd: signals.fileDescriptor, events: Int16(POLLIN), revents: 0),
            ]
            guard poll(&waits, 2, left) >= 0 || errno == EINTR else { throw SystemError(errno, "wait for packets") }
            if waits[1].revents != 0, signals.next() != nil { return }
            // A look at the clock and at signals now and then, however many packets there are.
            for _ in 0..<256 where packets < limit ?? .max {
                guard let packet = try receive() else { break }
                guard let packet else { continue }
                packets += 1
                body(packet)
            }
        }
    }

    /// Packets that passed and weren't read in time, since the last call.
    package func lostPackets() -> Int {
        var statistics = tpacket_stats()
        var size = socklen_t(MemoryLayout<tpacket_stats>.size)
        guard getsockopt(descriptor.number, SOL_PACKET, PACKET_STATISTICS, &statistics, &size) == 0 else { return 0 }
        return Int(statistics.tp_drops)
    }

    /// Nil when none waits; an inner nil is a packet of no interest.
    private mutating func receive() throws(SystemError) -> CapturedPacket?? {
        var address = sockaddr_ll()
        var size = socklen_t(MemoryLayout<sockaddr_ll>.size)
        let count = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                recvfrom(descriptor.number, &buffer, buffer.count, Int32(MSG_TRUNC), $0, &size)
            }
        }
        guard count >= 0 else {
            switch errno {
            case EAGAIN: return nil
            case EINTR: return .some(nil)
            default: throw SystemError(errno, "capture packets")
            }
        }
        let type = UInt16(bigEndian: address.sll_protocol)
        // What the machine sends to itself passes twice.
        let isEcho = isLoopback && address.sll_pkttype == UInt8(PACKET_OUTGOING)
        guard type == UInt16(ETH_P_IP) || type == UInt16(ETH_P_IPV6), !isEcho else { return .some(nil) }
        let (seconds, nanoseconds) = Clock.wallTime()
        return .some(
            CapturedPacket(
                time: seconds * 1_000_000_000 + Int64(nanoseconds), link: .raw, originalLength: count,
                bytes: Octets(Array(buffer.prefix(count)))))
    }
}
