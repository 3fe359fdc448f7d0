import CLinux
import Glibc
package import Wire

/// What the network says of a packet that it doesn't deliver: an ICMP error (RFC 792, RFC 4443).
package struct NetworkRefusal: Hashable, Sendable {
    package enum Reason: Hashable, Sendable {
        /// The machine is there, and nobody listens on the port.
        case portUnreachable
        /// The machine isn't there, or doesn't answer on its own network.
        case hostUnreachable
        case networkUnreachable
        /// A firewall says that it doesn't let the packet through.
        case prohibited
        /// The packet is too large for a link that carries this many bytes; 0 when that isn't told.
        case packetTooLarge(mtu: UInt32)
        /// It had passed as many routers as it was allowed to.
        case hopsExceeded
        case other(type: UInt8, code: UInt8)
    }

    package let reason: Reason
    /// Who says so.
    package let sender: IPAddress

    package init(_ reason: Reason, from sender: IPAddress) {
        self.reason = reason
        self.sender = sender
    }
}

extension NetworkRefusal.Reason {
    /// - Parameter information: the second half of the message's header, in host order.
    init(type: UInt8, code: UInt8, information: UInt32, isIPv6: Bool) {
        self = isIPv6 ? Self.ofIPv6(type, code, information) : Self.ofIPv4(type, code, information)
    }

    private static func ofIPv4(_ type: UInt8, _ code: UInt8, _ information: UInt32) -> Self {
        switch (type, code) {
        case (3, 0), (3, 6), (3, 11): .networkUnreachable
        case (3, 1), (3, 7), (3, 8), (3, 12): .hostUnreachable
        case (3, 3): .portUnreachable
        case (3, 4): .packetTooLarge(mtu: information & 0xffff)
        case (3, 9), (3, 10), (3, 13): .prohibited
        case (11, 0): .hopsExceeded
        default: .other(type: type, code: code)
        }
    }

    private static func ofIPv6(_ type: UInt8, _ code: UInt8, _ information: UInt32) -> Self {
        switch (type, code) {
        case (1, 0), (1, 6): .networkUnreachable
        case (1, 1), (1, 5): .prohibited
        case (1, 3): .hostUnreachable
        case (1, 4): .portUnreachable
        case (2, _): .packetTooLarge(mtu: information)
        case (3, 0): .hopsExceeded
        default: .other(type: type, code: code)
        }
    }
}

extension NetworkRefusal {
    /// What waits in the error queue of a socket that asked for it (`IP_RECVERR`): struct sock_extended_err and the
    /// address behind it. Nil for errors of this machine's own.
    ///
    /// - Parameter area: the `cmsg` area of a message.
    init?(errorQueue area: UnsafeRawBufferPointer) {
        var rest = area
        while rest.count >= ControlMessage.headerSize {
            let header = rest.loadUnaligned(as: cmsghdr.self)
            let length = Int(truncatingIfNeeded: header.cmsg_len)
            guard length >= ControlMessage.headerSize, length <= rest.count else { return nil }
            let isIPv4 = header.cmsg_level == Int32(IPPROTO_IP) && header.cmsg_type == ErrorQueue.ipv4
            let isIPv6 = header.cmsg_level == Int32(IPPROTO_IPV6) && header.cmsg_type == ErrorQueue.ipv6
            if isIPv4 || isIPv6 {
                self.init(
                    extendedError: UnsafeRawBufferPointer(rebasing: rest[ControlMessage.headerSize..<length]))
                return
            }
            rest = UnsafeRawBufferPointer(rebasing: rest[min(ControlMessage.aligned(length), rest.count)...])
        }
        return nil
    }

    private init?(extendedError bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= ErrorQueue.size + 2 else { return nil }
        let origin = bytes[4]
        guard origin == ErrorQueue.fromICMP || origin == ErrorQueue.fromICMPv6 else { return nil }
        let information = bytes.loadUnaligned(fromByteOffset: 8, as: UInt32.self)
        let address = UnsafeRawBufferPointer(rebasing: bytes[ErrorQueue.size...])
        let family = Int32(address.loadUnaligned(as: sa_family_t.self))
        let length =
            switch family {
            case AF_INET: MemoryLayout<sockaddr_in>.size
            case AF_INET6: MemoryLayout<sockaddr_in6>.size
            default: Int.max
            }
        guard length <= address.count,
            let sender = SocketAddress.load(whole: UnsafeRawBufferPointer(rebasing: address[..<length]))
        else { return nil }
        self.init(
            Reason(
                type: bytes[5], code: bytes[6], information: information, isIPv6: origin == ErrorQueue.fromICMPv6),
            from: sender.address)
    }
}

/// Numbers of <linux/errqueue.h> and <linux/in6.h> that the C library's headers don't show.
enum ErrorQueue {
    /// `IP_RECVERR` and `IPV6_RECVERR`, options and types of control messages.
    static let ipv4: Int32 = 11
    static let ipv6: Int32 = 25
    /// Bytes of struct sock_extended_err, which an address follows.
    static let size = 16
    static let fromICMP: UInt8 = 2
    static let fromICMPv6: UInt8 = 3
}
