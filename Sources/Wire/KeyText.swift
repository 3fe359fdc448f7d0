/// Base64 of 32-byte keys, as configuration files and `wg` write them.
///
/// Branch-free on the key's value: neither direction looks a secret up in a table.
package enum Base64 {
    /// Characters in an encoded key, the closing `=` included.
    package static let keyLength = 44

    /// 44 characters.
    package static func encode(_ key: Bytes32) -> String {
        var text = [UInt8]()
        text.reserveCapacity(keyLength)
        append(key, to: &text)
        return String(decoding: text, as: UTF8.self)
    }

    /// Appends 44 characters. With enough capacity in `text` a secret leaves no other trace than these.
    package static func append(_ key: Bytes32, to text: inout [UInt8]) {
        key.withUnsafeBytes { bytes in
            var index = 0
            while index < Bytes32.count {
                let left = Bytes32.count - index
                let second = left > 1 ? bytes[index + 1] : 0
                let third = left > 2 ? bytes[index + 2] : 0
                let group = UInt32(bytes[index]) << 16 | UInt32(second) << 8 | UInt32(third)
                text.append(character(UInt8(group >> 18 & 63)))
                text.append(character(UInt8(group >> 12 & 63)))
                text.append(character(UInt8(group >> 6 & 63)))
                if left > 2 { text.append(character(UInt8(group & 63))) }
                index += 3
            }
        }
        text.append(UInt8(ascii: "="))
    }

    /// Nil unless `text` is exactly 44 characters of base64 for 32 bytes with the spare bits zero.
    package static func decode(_ text: some Collection<UInt8>) -> Bytes32? {
        decodeBytes(text)
    }

    /// The same for bytes in memory, without the cost of a generic collection.
    package static func decode(_ text: UnsafeRawBufferPointer) -> Bytes32? {
        decodeBytes(text)
    }

    private static func decodeBytes(_ text: some Collection<UInt8>) -> Bytes32? {
        guard text.count == keyLength else { return nil }
        var key = Bytes32()
        var bad: Int32 = 0
        key.withUnsafeMutableBytes { bytes in
            var bits: UInt32 = 0
            var bitCount = 0
            var output = 0
            for (position, byte) in text.enumerated() {
                guard position < keyLength - 1 else {
                    bad |= byte == UInt8(ascii: "=") ? 0 : -1
                    break
                }
                let value = sextet(byte)
                bad |= value
                bits = bits << 6 | UInt32(truncatingIfNeeded: value & 63)
                bitCount += 6
                if bitCount >= 8 {
                    bitCount -= 8
                    bytes[output] = UInt8(truncatingIfNeeded: bits >> UInt32(bitCount))
                    output += 1
                }
            }
            bad |= -Int32(truncatingIfNeeded: bits & 3)
        }
        return bad < 0 ? nil : key
    }

    /// The character of a six-bit value, by arithmetic on the borrow of each range's comparison.
    private static func character(_ value: UInt8) -> UInt8 {
        let v = Int32(value)
        var result = v + 65
        result += ((25 - v) >> 8) & 6
        result -= ((51 - v) >> 8) & 75
        result -= ((61 - v) >> 8) & 15
        result += ((62 - v) >> 8) & 3
        return UInt8(truncatingIfNeeded: result)
    }

    /// The six-bit value of a character, or a negative number.
    private static func sextet(_ byte: UInt8) -> Int32 {
        let c = Int32(byte)
        func ifInside(_ first: Int32, _ last: Int32, _ value: Int32) -> Int32 {
            (((first - 1 - c) & (c - last - 1)) >> 8) & (value + 1)
        }
        return -1 + ifInside(65, 90, c - 65) + ifInside(97, 122, c - 71) + ifInside(48, 57, c + 4)
            + ifInside(43, 43, 62) + ifInside(47, 47, 63)
    }
}

/// Hexadecimal text of 32-byte keys, as the configuration socket writes them.
package enum Hex {
    /// 64 lower-case digits.
    package static func encode(_ key: Bytes32) -> String {
        var text = [UInt8]()
        text.reserveCapacity(64)
        append(key, to: &text)
        return String(decoding: text, as: UTF8.self)
    }

    /// Appends 64 lower-case digits. With enough capacity in `text` a secret leaves no other trace than these.
    package static func append(_ key: Bytes32, to text: inout [UInt8]) {
        key.withUnsafeBytes { bytes in
            for byte in bytes {
                text.append(digit(byte >> 4))
                text.append(digit(byte & 15))
            }
        }
    }

    /// Nil unless `text` is exactly 64 digits of either case.
    package static func decode(_ text: some Collection<UInt8>) -> Bytes32? {
        decodeBytes(text)
    }

    /// The same for bytes in memory, without the cost of a generic collection.
    package static func decode(_ text: UnsafeRawBufferPointer) -> Bytes32? {
        decodeBytes(text)
    }

    private static func decodeBytes(_ text: some Collection<UInt8>) -> Bytes32? {
        guard text.count == 64 else { return nil }
        var key = Bytes32()
        var bad: Int32 = 0
        key.withUnsafeMutableBytes { bytes in
            for (position, byte) in text.enumerated() {
                let value = nibble(byte)
                bad |= value
                let half = UInt8(truncatingIfNeeded: value & 15)
                bytes[position / 2] |= position.isMultiple(of: 2) ? half << 4 : half
            }
        }
        return bad < 0 ? nil : key
    }

    private static func digit(_ value: UInt8) -> UInt8 {
        let v = Int32(value)
        return UInt8(truncatingIfNeeded: v + 48 + (((9 - v) >> 8) & 39))
    }

    private static func nibble(_ byte: UInt8) -> Int32 {
        let c = Int32(byte)
        func ifInside(_ first: Int32, _ last: Int32, _ value: Int32) -> Int32 {
            (((first - 1 - c) & (c - last - 1)) >> 8) & (value + 1)
        }
        return -1 + ifInside(48, 57, c - 48) + ifInside(97, 102, c - 87) + ifInside(65, 70, c - 55)
    }
}
