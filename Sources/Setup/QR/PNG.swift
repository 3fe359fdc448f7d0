/// Pictures of black and white in the format PNG, ISO/IEC 15948, uncompressed.
package enum PNG {
    /// - Parameters:
    ///   - width, height: in pixels.
    ///   - isBlack: for a row and a column.
    package static func encode(width: Int, height: Int, isBlack: (Int, Int) -> Bool) -> [UInt8] {
        var rows: [UInt8] = []
        let rowBytes = (width + 7) / 8
        rows.reserveCapacity((rowBytes + 1) * height)
        for row in 0..<height {
            // No filter.
            rows.append(0)
            for byte in 0..<rowBytes {
                rows.append(
                    (0..<8).reduce(0) { bits, bit in
                        let column = 8 * byte + bit
                        return bits << 1 | (column < width && isBlack(row, column) ? 0 : 1)
                    })
            }
        }
        let header = bigEndian(UInt32(width)) + bigEndian(UInt32(height)) + [1, 0, 0, 0, 0]
        return signature + chunk("IHDR", header) + chunk("IDAT", zlib(rows)) + chunk("IEND", [])
    }

    private static let signature: [UInt8] = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]

    private static func chunk(_ kind: String, _ data: [UInt8]) -> [UInt8] {
        let body = Array(kind.utf8) + data
        return bigEndian(UInt32(data.count)) + body + bigEndian(crc(body))
    }

    /// RFC 1950 around stored blocks of RFC 1951.
    private static func zlib(_ bytes: [UInt8]) -> [UInt8] {
        var result: [UInt8] = [0x78, 0x01]
        var rest = bytes[...]
        repeat {
            let block = rest.prefix(65535)
            rest = rest.dropFirst(block.count)
            let count = UInt16(block.count)
            result.append(rest.isEmpty ? 1 : 0)
            for word in [count, ~count] { result += [UInt8(truncatingIfNeeded: word), UInt8(word >> 8)] }
            result += block
        } while !rest.isEmpty
        return result + bigEndian(adler(bytes))
    }

    private static func adler(_ bytes: [UInt8]) -> UInt32 {
        var (low, high): (UInt32, UInt32) = (1, 0)
        for byte in bytes {
            low = (low + UInt32(byte)) % 65521
            high = (high + low) % 65521
        }
        return high << 16 | low
    }

    private static func crc(_ bytes: [UInt8]) -> UInt32 {
        ~bytes.reduce(~UInt32(0)) { sum, byte in
            crcTable[Int(truncatingIfNeeded: (sum ^ UInt32(byte)) & 0xff)] ^ (sum >> 8)
        }
    }

    private static let crcTable: [UInt32] = (0..<256).map { index in
        (0..<8).reduce(UInt32(index)) { value, _ in value & 1 == 1 ? 0xedb8_8320 ^ (value >> 1) : value >> 1 }
    }

    private static func bigEndian(_ value: UInt32) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> UInt32($0)) }
    }
}

extension QRCode {
    /// A picture of it.
    ///
    /// - Parameter scale: pixels for the side of a module.
    package func png(scale: Int = 8) -> [UInt8] {
        let side = (width + 2 * Self.border) * scale
        return PNG.encode(width: side, height: side) { row, column in
            isDark(row: row / scale - Self.border, column: column / scale - Self.border)
        }
    }
}
