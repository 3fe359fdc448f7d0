import CLinux
import Glibc
import Synchronization
package import Wire

package enum AddressFamily: Sendable {
    case v4, v6

    /// The family of the socket that reaches `address`.
    package init(of address: IPAddress) {
        self = address.isIPv6 ? .v6 : .v4
    }
}

/// A bound, unconnected UDP socket of one address family, with the offloads that the kernel gives.
///
/// Any number of threads may send; one thread receives, in blocking calls. The last owner closes it.
package final class UDPSocket: Sendable {
    /// Datagrams that one segmented send may carry. Newer kernels take 128.
    @inlinable package static var maximumSegments: Int { 64 }

    package struct Options: Sendable {
        /// Whether to send many datagrams as one (`UDP_SEGMENT`), where the kernel can.
        package var segmentation = true
        /// Whether to receive many datagrams as one (`UDP_GRO`), where the kernel can.
        package var coalescing = true
        /// Whether receiving waits for a datagram. One that doesn't is for an ``EventLoop``.
        package var waitsForDatagrams = true
        /// Bytes to ask for as send and as receive buffer.
        package var bufferSize: Int32 = 7 << 20

        package init() {}
    }

    package let family: AddressFamily
    /// The local port, never 0.
    package let port: UInt16
    /// Whether received datagrams may come many as one.
    package let receivesCoalesced: Bool

    private let descriptor: OwnedDescriptor
    private let segmentation: Atomic<Bool>
    private let interrupted = Atomic(false)

    private init(_ descriptor: consuming OwnedDescriptor, _ family: AddressFamily, port: UInt16, _ options: Options) {
        let offloads = Offloads(requesting: options, on: descriptor.number)
        self.family = family
        self.port = port
        receivesCoalesced = offloads.coalescing
        segmentation = Atomic(offloads.segmentation)
        self.descriptor = descriptor
    }

    /// Opens a socket on every local address of `family`. Protocol §11–12.
    ///
    /// - Parameters:
    ///   - port: 0 takes any free port.
    ///   - firewallMark: `SO_MARK` of all packets; 0 for none.
    /// - Throws: `EAFNOSUPPORT` on a machine without the family, `EADDRINUSE`, `EPERM` for a mark without
    ///   CAP_NET_ADMIN.
    package static func bind(
        _ family: AddressFamily, port: UInt16, firewallMark: UInt32 = 0, options: Options = Options()
    ) throws(SystemError) -> UDPSocket {
        let address: IPAddress = family == .v4 ? .v4(IPv4Address(0)) : .v6(IPv6Address(high: 0, low: 0))
        return try bind(
            Endpoint(address, port: port), firewallMark: firewallMark, options: options,
            attempt: "open a UDP socket on \(family == .v4 ? "IPv4" : "IPv6") port \(port)")
    }

    /// Opens a socket on one local address.
    ///
    /// - Throws: `EADDRNOTAVAIL` when it is none of this machine's, and what ``bind(_:port:firewallMark:options:)`` does.
    package static func bind(
        at local: Endpoint, firewallMark: UInt32 = 0, options: Options = Options()
    ) throws(SystemError) -> UDPSocket {
        try bind(local, firewallMark: firewallMark, options: options, attempt: "open a UDP socket on \(local)")
    }

    private static func bind(
        _ local: Endpoint, firewallMark: UInt32, options: Options, attempt: String
    ) throws(SystemError) -> UDPSocket {
        let family = AddressFamily(of: local.address)
        let domain = family == .v4 ? AF_INET : AF_INET6
        var type = Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        if !options.waitsForDatagrams { type |= Int32(SOCK_NONBLOCK.rawValue) }
        let number = socket(domain, type, Int32(IPPROTO_UDP))
        guard number >= 0 else { throw .last(attempt) }
        let descriptor = OwnedDescriptor(owning: number)

        if firewallMark != 0, set(number, SOL_SOCKET, SO_MARK, Int32(bitPattern: firewallMark)) != 0 {
            throw .last("set the firewall mark of a UDP socket")
        }
        setBuffers(of: number, to: options.bufferSize)
        guard setFamilyOptions(of: number, family) else { throw .last(attempt) }

        let code = withUnsafeTemporaryAllocation(byteCount: SocketAddress.capacity, alignment: 8) { name -> Int32 in
            // Safe: the buffer isn't empty.
            let start = name.baseAddress.unsafelyUnwrapped
            let length = SocketAddress.store(local, to: start)
            return Glibc.bind(number, start.assumingMemoryBound(to: sockaddr.self), length) == 0 ? 0 : errno
        }
        guard code == 0 else { throw SystemError(code, attempt) }
        return UDPSocket(descriptor, family, port: try boundPort(of: number), options)
    }

    /// Whether a send may carry many datagrams. Turns false for good when an interface refuses.
    package var supportsSegmentation: Bool { segmentation.load(ordering: .relaxed) }

    /// Marks all packets from now on; 0 for none. Returns 0 or the `errno` value, `EPERM` without CAP_NET_ADMIN.
    package func setFirewallMark(_ mark: UInt32) -> Int32 {
        Self.set(descriptor.number, SOL_SOCKET, SO_MARK, Int32(bitPattern: mark)) == 0 ? 0 : errno
    }

    /// Ends receiving and sending for good: a blocked receiver wakes, and every ``ReceiveBatch`` reports `closed`.
    package func interrupt() {
        interrupted.store(true, ordering: .releasing)
        // Reports ENOTCONN for an unconnected socket, and wakes its receivers nevertheless.
        _ = shutdown(descriptor.number, Int32(SHUT_RDWR))
    }

    /// The largest payload of one send, segmented or not, in bytes: what the IP length field leaves.
    package static func maximumPayload(_ family: AddressFamily) -> Int {
        family == .v4 ? 65_535 - 20 - 8 : 65_535 - 8
    }

    /// Readable while datagrams wait.
    package var fileDescriptor: Int32 { descriptor.number }

    var number: Int32 { descriptor.number }

    var isInterrupted: Bool { interrupted.load(ordering: .acquiring) }

    func turnSegmentationOff() {
        segmentation.store(false, ordering: .relaxed)
    }
}

extension UDPSocket {
    fileprivate struct Offloads {
        let segmentation: Bool
        let coalescing: Bool

        init(requesting options: Options, on descriptor: Int32) {
            segmentation = options.segmentation && UDPSocket.knows(descriptor, CLINUX_UDP_SEGMENT)
            // Kernels before 5.12 coalesce with bugs. They are told by UDP_GRO being settable but not readable.
            coalescing =
                options.coalescing && UDPSocket.knows(descriptor, CLINUX_UDP_GRO)
                && UDPSocket.set(descriptor, CLINUX_SOL_UDP, CLINUX_UDP_GRO, 1) == 0
        }
    }

    fileprivate static func set(_ descriptor: Int32, _ level: Int32, _ option: Int32, _ value: Int32) -> Int32 {
        var value = value
        return setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
    }

    private static func knows(_ descriptor: Int32, _ option: Int32) -> Bool {
        var value: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        return getsockopt(descriptor, CLINUX_SOL_UDP, option, &value, &length) == 0
    }

    /// The plain options are cut to a system limit that root may exceed; failures leave the default.
    private static func setBuffers(of descriptor: Int32, to size: Int32) {
        _ = set(descriptor, SOL_SOCKET, SO_RCVBUF, size)
        _ = set(descriptor, SOL_SOCKET, SO_SNDBUF, size)
        _ = set(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, size)
        _ = set(descriptor, SOL_SOCKET, SO_SNDBUFFORCE, size)
    }

    /// Asks for the local address and the ECN bits of received packets, and lets sent ones be fragmented.
    private static func setFamilyOptions(of descriptor: Int32, _ family: AddressFamily) -> Bool {
        switch family {
        case .v4:
            let level = Int32(IPPROTO_IP)
            return set(descriptor, level, IP_PKTINFO, 1) == 0
                && set(descriptor, level, IP_RECVTOS, 1) == 0
                && set(descriptor, level, IP_MTU_DISCOVER, IP_PMTUDISC_DONT) == 0
        case .v6:
            let level = Int32(IPPROTO_IPV6)
            return set(descriptor, level, IPV6_V6ONLY, 1) == 0
                && set(descriptor, level, IPV6_RECVPKTINFO, 1) == 0
                && set(descriptor, level, IPV6_RECVTCLASS, 1) == 0
                && set(descriptor, level, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DONT) == 0
        }
    }

    private static func boundPort(of descriptor: Int32) throws(SystemError) -> UInt16 {
        let port = withUnsafeTemporaryAllocation(byteCount: SocketAddress.capacity, alignment: 8) { name -> UInt16? in
            // Safe: the buffer isn't empty.
            let start = name.baseAddress.unsafelyUnwrapped
            var length = socklen_t(name.count)
            guard getsockname(descriptor, start.assumingMemoryBound(to: sockaddr.self), &length) == 0 else {
                return nil
            }
            return SocketAddress.load(from: start).port
        }
        guard let port else { throw .last("read the port of a UDP socket") }
        return port
    }
}
