import CLinux
import Glibc
import Wire

/// What the kernel tells beside a received datagram: the `cmsg` area of a message.
struct ReceivedControl {
    /// Bytes of each datagram but the last when the kernel coalesced several; 0 for a single one.
    var segmentSize = 0
    /// The TOS or traffic class byte of the outer header.
    var tos: UInt8 = 0
    /// The local address and interface it came to.
    var local: SourceAddress?

    /// Reads every message that is whole, and leaves out what isn't or isn't known.
    init(parsing area: UnsafeRawBufferPointer) {
        guard let base = area.baseAddress else { return }
        var offset = 0
        while area.count - offset >= ControlMessage.headerSize {
            let header = base.loadUnaligned(fromByteOffset: offset, as: cmsghdr.self)
            // A length beyond Int.max becomes negative, and so is refused too.
            let length = Int(truncatingIfNeeded: header.cmsg_len)
            guard length >= ControlMessage.headerSize, length <= area.count - offset else { return }
            let payload = UnsafeRawBufferPointer(rebasing: area[offset..<offset + length])
            take(
                level: Int(header.cmsg_level), type: Int(header.cmsg_type),
                UnsafeRawBufferPointer(rebasing: payload[ControlMessage.headerSize...]))
            offset += min(ControlMessage.aligned(length), area.count - offset)
        }
    }

    private mutating func take(level: Int, type: Int, _ payload: UnsafeRawBufferPointer) {
        switch (level, type) {
        case (Int(CLINUX_SOL_UDP), Int(CLINUX_UDP_GRO)):
            guard payload.count >= 4 else { return }
            segmentSize = max(0, Int(payload.loadUnaligned(as: Int32.self)))
        case (Int(IPPROTO_IP), Int(IP_TOS)):
            guard let byte = payload.first else { return }
            tos = byte
        case (Int(IPPROTO_IPV6), Int(IPV6_TCLASS)):
            guard payload.count >= 4 else { return }
            tos = UInt8(truncatingIfNeeded: payload.loadUnaligned(as: Int32.self))
        case (Int(IPPROTO_IP), Int(IP_PKTINFO)):
            guard payload.count >= MemoryLayout<in_pktinfo>.size else { return }
            let information = payload.loadUnaligned(as: in_pktinfo.self)
            local = SourceAddress(
                .v4(IPv4Address(UInt32(bigEndian: information.ipi_spec_dst.s_addr))),
                interfaceIndex: UInt32(bitPattern: information.ipi_ifindex))
        case (Int(IPPROTO_IPV6), Int(IPV6_PKTINFO)):
            guard payload.count >= MemoryLayout<clinux_in6_pktinfo>.size, let start = payload.baseAddress else {
                return
            }
            let information = payload.loadUnaligned(as: clinux_in6_pktinfo.self)
            local = SourceAddress(.v6(IPv6Address(loading: start)), interfaceIndex: information.interface_index)
        default:
            return
        }
    }
}

/// Writing of `cmsg` entries.
enum ControlMessage {
    static let headerSize = aligned(MemoryLayout<cmsghdr>.size)
    /// Bytes that ``storeSegmentSize(_:to:)`` writes.
    static let segmentSpace = space(MemoryLayout<UInt16>.size)
    /// Bytes for a segment size, a TOS byte and a source address of either family.
    static let sendCapacity = segmentSpace + space(MemoryLayout<Int32>.size) + sourceSpace(isIPv6: true)
    /// Bytes for all that a socket of ``UDPSocket`` is told with a datagram, and some to spare.
    static let receiveCapacity = 128

    /// Bytes that ``storeSource(_:to:)`` writes.
    static func sourceSpace(isIPv6: Bool) -> Int {
        space(isIPv6 ? MemoryLayout<clinux_in6_pktinfo>.size : MemoryLayout<in_pktinfo>.size)
    }

    /// Writes the size that the kernel cuts a payload into; returns the bytes used.
    static func storeSegmentSize(_ size: UInt16, to target: UnsafeMutableRawPointer) -> Int {
        store(size, level: Int32(CLINUX_SOL_UDP), type: Int32(CLINUX_UDP_SEGMENT), to: target)
    }

    /// Writes the TOS or traffic class byte of the outer header; returns the bytes used.
    static func storeTOS(_ tos: UInt8, isIPv6: Bool, to target: UnsafeMutableRawPointer) -> Int {
        isIPv6
            ? store(Int32(tos), level: Int32(IPPROTO_IPV6), type: Int32(IPV6_TCLASS), to: target)
            : store(Int32(tos), level: Int32(IPPROTO_IP), type: Int32(IP_TOS), to: target)
    }

    /// Writes the address and interface to send from; returns the bytes used.
    static func storeSource(_ source: SourceAddress, to target: UnsafeMutableRawPointer) -> Int {
        switch source.address {
        case .v4(let address):
            var information = in_pktinfo()
            information.ipi_ifindex = Int32(bitPattern: source.interfaceIndex)
            information.ipi_spec_dst.s_addr = address.value.bigEndian
            return store(information, level: Int32(IPPROTO_IP), type: Int32(IP_PKTINFO), to: target)
        case .v6(let address):
            var information = clinux_in6_pktinfo()
            information.interface_index = source.interfaceIndex
            withUnsafeMutableBytes(of: &information) { bytes in
                // Safe: the structure starts with the 16 bytes of the address.
                address.store(to: bytes.baseAddress.unsafelyUnwrapped)
            }
            return store(information, level: Int32(IPPROTO_IPV6), type: Int32(IPV6_PKTINFO), to: target)
        }
    }

    static func aligned(_ length: Int) -> Int {
        let unit = MemoryLayout<Int>.size
        return (length + unit - 1) & ~(unit - 1)
    }

    private static func space(_ length: Int) -> Int {
        headerSize + aligned(length)
    }

    private static func store<Value>(
        _ value: Value, level: Int32, type: Int32, to target: UnsafeMutableRawPointer
    ) -> Int {
        var header = cmsghdr()
        header.cmsg_len = numericCast(headerSize + MemoryLayout<Value>.size)
        header.cmsg_level = level
        header.cmsg_type = type
        target.storeBytes(of: header, as: cmsghdr.self)
        target.storeBytes(of: value, toByteOffset: headerSize, as: Value.self)
        return space(MemoryLayout<Value>.size)
    }
}
