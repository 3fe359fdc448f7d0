package import Wire

/// ICMP and ICMPv6 echo requests, and what comes back for them (RFC 792, RFC 4443). No I/O.
package struct EchoMessage: Sendable {
    /// Bytes of the ICMP header and of the mark behind it, which tells our echoes from those of other programs.
    package static let leastSize = 16

    package enum Answer: Hashable, Sendable {
        case reply(sequence: UInt16)
        case refused(sequence: UInt16, NetworkRefusal)
    }

    let identifier: UInt16
    let mark: UInt64

    package init(identifier: UInt16, mark: UInt64) {
        self.identifier = identifier
        self.mark = mark
    }

    /// An echo request without its IP header. The kernel writes the checksum of an ICMPv6 message itself.
    ///
    /// - Parameter size: bytes, at least ``leastSize``.
    package func request(sequence: UInt16, size: Int, isIPv6: Bool) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: max(size, Self.leastSize))
        for place in Self.leastSize..<bytes.count { bytes[place] = UInt8(truncatingIfNeeded: place) }
        bytes.withUnsafeMutableBytes { message in
            message[0] = isIPv6 ? 128 : 8
            message.storeBytes(of: identifier.bigEndian, toByteOffset: 4, as: UInt16.self)
            message.storeBytes(of: sequence.bigEndian, toByteOffset: 6, as: UInt16.self)
            message.storeBytes(of: mark, toByteOffset: 8, as: UInt64.self)
            // Safe: it has bytes.
            let start = UnsafeRawPointer(message.baseAddress.unsafelyUnwrapped)
            let checksum = isIPv6 ? 0 : Checksum.finish(Checksum.sum(start, count: message.count))
            message.storeBytes(of: checksum, toByteOffset: 2, as: UInt16.self)
        }
        return bytes
    }

    /// What a received message says about one of our requests; nil when it is about something else, or isn't whole.
    ///
    /// - Parameters:
    ///   - bytes: as a raw socket gives them: IPv4 with its IP header, IPv6 without.
    ///   - sender: who it came from.
    package func answer(in bytes: UnsafeRawBufferPointer, from sender: IPAddress) -> Answer? {
        let isIPv6 = sender.isIPv6
        guard let message = isIPv6 ? bytes : Self.payloadOfIPv4(bytes), message.count >= 8 else { return nil }
        if message[0] == (isIPv6 ? 129 : 0) {
            guard message.count >= Self.leastSize, isOurs(message),
                message.loadUnaligned(fromByteOffset: 8, as: UInt64.self) == mark
            else { return nil }
            return .reply(sequence: Self.sequence(message))
        }
        guard isIPv6 ? message[0] < 128 : [3, 11, 12].contains(message[0]) else { return nil }
        let original = UnsafeRawBufferPointer(rebasing: message[8...])
        guard let request = isIPv6 ? Self.payloadOfIPv6(original) : Self.payloadOfIPv4(original),
            request.count >= 8, request[0] == (isIPv6 ? 128 : 8), isOurs(request)
        else { return nil }
        let information = UInt32(bigEndian: message.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
        let reason = NetworkRefusal.Reason(
            type: message[0], code: message[1], information: information, isIPv6: isIPv6)
        return .refused(sequence: Self.sequence(request), NetworkRefusal(reason, from: sender))
    }

    private func isOurs(_ message: UnsafeRawBufferPointer) -> Bool {
        UInt16(bigEndian: message.loadUnaligned(fromByteOffset: 4, as: UInt16.self)) == identifier
    }

    private static func sequence(_ message: UnsafeRawBufferPointer) -> UInt16 {
        UInt16(bigEndian: message.loadUnaligned(fromByteOffset: 6, as: UInt16.self))
    }

    private static func payloadOfIPv4(_ packet: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        guard packet.count >= 20, packet[0] >> 4 == 4, packet[9] == 1 else { return nil }
        let length = Int(packet[0] & 15) * 4
        guard length >= 20, length <= packet.count else { return nil }
        return UnsafeRawBufferPointer(rebasing: packet[length...])
    }

    /// Our requests have no extension headers.
    private static func payloadOfIPv6(_ packet: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        guard packet.count >= 40, packet[0] >> 4 == 6, packet[6] == 58 else { return nil }
        return UnsafeRawBufferPointer(rebasing: packet[40...])
    }
}
