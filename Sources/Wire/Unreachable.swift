/// The ICMP error that answers a packet which can't be sent for want of a peer or an endpoint. Protocol §14.
///
/// IPv4: host unreachable (type 3, code 1; RFC 792). IPv6: address unreachable (type 1, code 3; RFC 4443 §3.1).
package enum Unreachable {
    /// Bytes of the longest message over IPv4 (RFC 1812 §4.3.2.3).
    package static let maximumSize4 = 576
    /// Bytes of the longest message over IPv6 (RFC 4443 §2.4c), and so of the longest of both.
    package static let maximumSize6 = 1280

    /// Writes the IP packet of an error about `packet` into `buffer` and returns its length; nil when there must be no
    /// error about such a packet or `buffer` is too small for a useful one.
    ///
    /// The error goes to the sender of `packet`. It comes from `source`, by default from the packet's destination: a
    /// kernel takes no packet from a TUN device that claims to come from one of the kernel's own IPv4 addresses.
    /// As much of `packet` is quoted as `buffer` and the limits above allow.
    ///
    /// No error answers (RFC 1122 §3.2.2, RFC 4443 §2.4e) an ICMP error or redirect, a multicast or broadcast
    /// destination, a fragment other than the first, or a source that isn't a single host.
    package static func write(
        about packet: IPPacket, from source: IPAddress? = nil, into buffer: UnsafeMutableRawBufferPointer
    ) -> Int? {
        guard allowsError(packet), let target = buffer.baseAddress else { return nil }
        switch (packet.source, source ?? packet.destination) {
        case (.v4(let receiver), .v4(let sender)):
            return write4(about: packet, from: sender, to: receiver, into: target, room: buffer.count)
        case (.v6(let receiver), .v6(let sender)):
            return write6(about: packet, from: sender, to: receiver, into: target, room: buffer.count)
        default:
            return nil
        }
    }

    private static let icmpHeaderSize = 8
    private static let hopLimit: UInt8 = 64
    /// The precedence of internetwork control, which routers give to errors (RFC 1812 §4.3.2.5).
    private static let errorTypeOfService: UInt8 = 0xc0

    private static func write4(
        about packet: IPPacket, from sender: IPv4Address, to receiver: IPv4Address,
        into target: UnsafeMutableRawPointer, room: Int
    ) -> Int? {
        let headers = IPPacket.headerSize4 + icmpHeaderSize
        // RFC 792: the IP header and at least eight bytes behind it.
        let least = min(packet.length, packet.headerLength + 8)
        let quoted = min(packet.length, min(room, maximumSize4) - headers)
        guard quoted >= least else { return nil }
        let length = headers + quoted
        target.initializeMemory(as: UInt8.self, repeating: 0, count: headers)
        target.storeBytes(of: 0x45, as: UInt8.self)
        target.storeBytes(of: errorTypeOfService, toByteOffset: 1, as: UInt8.self)
        target.storeBigEndian(UInt16(length), at: 2)
        target.storeBytes(of: hopLimit, toByteOffset: 8, as: UInt8.self)
        target.storeBytes(of: TransportProtocol.icmp, toByteOffset: 9, as: UInt8.self)
        sender.store(to: target + 12)
        receiver.store(to: target + 16)
        let headerSum = Checksum.sum(target, count: IPPacket.headerSize4)
        target.storeBytes(of: Checksum.finish(headerSum), toByteOffset: 10, as: UInt16.self)

        let message = target + IPPacket.headerSize4
        message.storeBytes(of: 3, as: UInt8.self)
        message.storeBytes(of: 1, toByteOffset: 1, as: UInt8.self)
        (message + icmpHeaderSize).copyMemory(from: packet.start, byteCount: quoted)
        let sum = Checksum.sum(message, count: icmpHeaderSize + quoted)
        message.storeBytes(of: Checksum.finish(sum), toByteOffset: 2, as: UInt16.self)
        return length
    }

    private static func write6(
        about packet: IPPacket, from sender: IPv6Address, to receiver: IPv6Address,
        into target: UnsafeMutableRawPointer, room: Int
    ) -> Int? {
        let headers = IPPacket.headerSize6 + icmpHeaderSize
        let least = min(packet.length, IPPacket.headerSize6 + 8)
        let quoted = min(packet.length, min(room, maximumSize6) - headers)
        guard quoted >= least else { return nil }
        let length = headers + quoted
        target.initializeMemory(as: UInt8.self, repeating: 0, count: headers)
        target.storeBytes(of: 0x60, as: UInt8.self)
        target.storeBigEndian(UInt16(length - IPPacket.headerSize6), at: 4)
        target.storeBytes(of: TransportProtocol.icmp6, toByteOffset: 6, as: UInt8.self)
        target.storeBytes(of: hopLimit, toByteOffset: 7, as: UInt8.self)
        sender.store(to: target + 8)
        receiver.store(to: target + 24)

        let message = target + IPPacket.headerSize6
        message.storeBytes(of: 1, as: UInt8.self)
        message.storeBytes(of: 3, toByteOffset: 1, as: UInt8.self)
        (message + icmpHeaderSize).copyMemory(from: packet.start, byteCount: quoted)
        let size = icmpHeaderSize + quoted
        let pseudoHeader = Checksum.pseudoHeader(
            of: target, isIPv6: true, nextHeader: TransportProtocol.icmp6, length: size)
        let sum = pseudoHeader &+ Checksum.sum(message, count: size)
        message.storeBytes(of: Checksum.finish(sum), toByteOffset: 2, as: UInt16.self)
        return length
    }

    private static func allowsError(_ packet: IPPacket) -> Bool {
        let addressesAllow =
            switch (packet.source, packet.destination) {
            case (.v4(let source), .v4): isSingleHost(source) && !packet.destination.isForMany
            case (.v6(let source), .v6): isSingleHost(source) && !packet.destination.isForMany
            default: false
            }
        guard addressesAllow, case .transport(let header, let offset) = packet.payload else { return false }
        let isICMP = header == (packet.isIPv6 ? TransportProtocol.icmp6 : TransportProtocol.icmp)
        guard isICMP else { return true }
        // Safe: the type byte is inside the packet.
        guard offset < packet.length else { return false }
        let type = packet.start.load(fromByteOffset: offset, as: UInt8.self)
        return packet.isIPv6 ? isInformation6(type) : isInformation4(type)
    }

    /// Queries and their answers. Types that nobody knows could be errors.
    private static func isInformation4(_ type: UInt8) -> Bool {
        type == 0 || type == 8 || (13...18).contains(type)
    }

    /// The first bit tells information from errors (RFC 4443 §2.1); 137 is the redirect.
    private static func isInformation6(_ type: UInt8) -> Bool {
        type >= 128 && type != 137
    }

    private static func isSingleHost(_ address: IPv4Address) -> Bool {
        let network = address.value >> 24
        return network != 0 && network != 127 && network < 224
    }

    private static func isSingleHost(_ address: IPv6Address) -> Bool {
        !IPAddress.v6(address).isForMany && !(address.high == 0 && address.low <= 1)
    }
}
