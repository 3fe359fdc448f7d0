import NoisePrimitives
import Wire

/// STUN messages (RFC 8489 §5) as wg-obfuscator forms them, which isn't quite as the standard has it: data indications have the number of
/// an error and no length, and fingerprints are taken over a length of zero. Obfuscation §3.
enum STUN {
    static let headerSize = 20
    static let attributeHeaderSize = 4
    /// What stands before the data of a data message.
    static let dataHeaderSize = headerSize + attributeHeaderSize
    static let cookie: UInt32 = 0x2112_a442

    enum Kind: UInt16 {
        case bindingRequest = 0x0001
        case bindingResponse = 0x0101
        case data = 0x0115
    }

    private enum Attribute {
        static let data: UInt16 = 0x0013
        static let mappedAddress: UInt16 = 0x0020
        static let fingerprint: UInt16 = 0x8028
    }

    private static let fingerprintSize = attributeHeaderSize + 4
    private static let transactionSize = 12

    /// Whether a datagram has the cookie that all messages have.
    @inline(__always)
    static func isMessage(_ datagram: UnsafeRawBufferPointer) -> Bool {
        guard datagram.count >= headerSize, let start = datagram.baseAddress else { return false }
        return start.bigEndian32(at: 4) == cookie
    }

    /// What kind of message it is that has the cookie.
    static func kind(of message: UnsafeRawBufferPointer) -> Kind? {
        Kind(rawValue: UInt16(message[0]) << 8 | UInt16(message[1]))
    }

    // MARK: Data

    /// How many bytes of data a data message has, which stand behind ``dataHeaderSize``; nil for other messages.
    @inline(__always)
    static func dataLength(of datagram: UnsafeRawBufferPointer) -> Int? {
        guard datagram.count >= dataHeaderSize, let start = datagram.baseAddress, isMessage(datagram),
            start.bigEndian16(at: 0) == Kind.data.rawValue,
            Int(start.bigEndian16(at: 2)) <= datagram.count &- headerSize,
            start.bigEndian16(at: headerSize) == Attribute.data
        else { return nil }
        let length = Int(start.bigEndian16(at: headerSize &+ 2))
        return length <= datagram.count &- dataHeaderSize ? length : nil
    }

    /// Writes what stands before `length` bytes of data.
    @inline(__always)
    static func storeDataHeader(
        at start: UnsafeMutableRawPointer, length: Int, random: inout KeystreamGenerator
    ) {
        storeHeader(.data, at: start)
        random.fill(start + 8, count: transactionSize)
        start.storeBigEndian(Attribute.data, at: headerSize)
        start.storeBigEndian(UInt16(truncatingIfNeeded: length), at: headerSize &+ 2)
    }

    // MARK: Binding

    /// A binding request.
    static func bindingRequest(random: inout KeystreamGenerator) -> [UInt8] {
        var request = [UInt8](repeating: 0, count: headerSize + fingerprintSize)
        request.withUnsafeMutableBytes { bytes in
            // Safe: it isn't empty.
            let start = bytes.baseAddress.unsafelyUnwrapped
            storeHeader(.bindingRequest, at: start)
            random.fill(start + 8, count: transactionSize)
            finish(start, count: headerSize)
        }
        return request
    }

    /// Writes the response to a binding request that doesn't say yet where the request came from, and returns its length.
    ///
    /// - Parameter output: room for all responses, 52 bytes.
    static func storeBindingResponse(to request: UnsafeRawBufferPointer, into output: UnsafeMutableRawPointer) -> Int {
        storeHeader(.bindingResponse, at: output)
        for index in 8..<headerSize { output.storeBytes(of: request[index], toByteOffset: index, as: UInt8.self) }
        return finish(output, count: headerSize)
    }

    /// Writes into a response where its request came from, and returns its new length.
    ///
    /// - Parameter response: what ``storeBindingResponse(to:into:)`` wrote, and room behind it.
    static func complete(_ response: UnsafeMutableRawPointer, with sender: Endpoint) -> Int {
        let attribute = response + headerSize
        attribute.storeBigEndian(Attribute.mappedAddress, at: 0)
        attribute.storeBigEndian(sender.port ^ UInt16(truncatingIfNeeded: cookie >> 16), at: 6)
        let addressSize: Int
        switch sender.address {
        case .v4(let address):
            attribute.storeBigEndian(UInt16(1), at: 4)
            attribute.storeBigEndian(address.value ^ cookie, at: 8)
            addressSize = 4
        case .v6(let address):
            // Combined with the cookie and the transaction's number, which follow each other in the header.
            let mask = UnsafeRawPointer(response)
            let high = UInt64(mask.bigEndian32(at: 4)) << 32 | UInt64(mask.bigEndian32(at: 8))
            let low = UInt64(mask.bigEndian32(at: 12)) << 32 | UInt64(mask.bigEndian32(at: 16))
            attribute.storeBigEndian(UInt16(2), at: 4)
            attribute.storeBigEndian(address.high ^ high, at: 8)
            attribute.storeBigEndian(address.low ^ low, at: 16)
            addressSize = 16
        }
        attribute.storeBigEndian(UInt16(truncatingIfNeeded: 4 + addressSize), at: 2)
        return finish(response, count: headerSize + attributeHeaderSize + 4 + addressSize)
    }

    private static func storeHeader(_ kind: Kind, at start: UnsafeMutableRawPointer) {
        start.storeBigEndian(kind.rawValue, at: 0)
        start.storeBigEndian(UInt16(0), at: 2)
        start.storeBigEndian(cookie, at: 4)
    }

    /// Appends the fingerprint, taken over a length of zero, and then writes the length.
    @discardableResult
    private static func finish(_ start: UnsafeMutableRawPointer, count: Int) -> Int {
        start.storeBigEndian(UInt16(0), at: 2)
        let sum = CRC32.checksum(of: UnsafeRawBufferPointer(start: start, count: count))
        let attribute = start + count
        attribute.storeBigEndian(Attribute.fingerprint, at: 0)
        attribute.storeBigEndian(UInt16(4), at: 2)
        attribute.storeBigEndian(sum ^ 0x5354_554e, at: 4)
        start.storeBigEndian(UInt16(truncatingIfNeeded: count + fingerprintSize - headerSize), at: 2)
        return count + fingerprintSize
    }
}

/// The checksum of Ethernet (ISO 3309), bit by bit: it is only needed for a few short messages.
enum CRC32 {
    static func checksum(of bytes: UnsafeRawBufferPointer) -> UInt32 {
        var sum = ~UInt32(0)
        for byte in bytes {
            sum ^= UInt32(byte)
            for _ in 0..<8 { sum = sum >> 1 ^ (sum & 1 == 0 ? 0 : 0xedb8_8320) }
        }
        return ~sum
    }
}
