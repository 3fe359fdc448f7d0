import NoisePrimitives
import Tunnel

/// A datagram as AmneziaWG's tags describe it: `<b 0xc0ff><r 16><t>` is two given bytes, sixteen random ones and the time.
/// Obfuscation §1.7.
package struct SpecialPacket: Equatable, Sendable {
    /// The most bytes that a datagram can have.
    package static let maximumSize = 65507

    private let parts: [Part]
    /// Bytes of the datagram; 0 for none.
    package let size: Int

    enum Part: Equatable, Sendable {
        case bytes([UInt8])
        case random(Int)
        case letters(Int)
        case digits(Int)
        case zeros(Int)
        /// Unix time in seconds, four bytes, big-endian.
        case time
        /// The number of the packet, four bytes, big-endian.
        case counter

        var size: Int {
            switch self {
            case .bytes(let bytes): bytes.count
            case .random(let count), .letters(let count), .digits(let count), .zeros(let count): count
            case .time, .counter: 4
            }
        }
    }

    /// What is wrong with a description, and where.
    package struct Problem: Error, Equatable, Sendable {
        /// Counted from 1, in bytes of UTF-8.
        package let position: Int
        /// Follows "at character N,".
        package let reason: String

        package init(position: Int, reason: String) {
            self.position = position
            self.reason = reason
        }
    }

    /// - Parameter text: tags, between which anything else is skipped.
    package init(_ text: String) throws(Problem) {
        var reader = SpecialPacketReader(text)
        parts = try reader.parts()
        size = parts.reduce(0) { $0 + $1.size }
    }

    /// The datagram, made anew.
    func bytes(at time: WallTime, counter: UInt32, random: inout KeystreamGenerator) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(size)
        for part in parts {
            switch part {
            case .bytes(let bytes):
                result += bytes
            case .random(let count):
                var bytes = [UInt8](repeating: 0, count: count)
                random.fill(&bytes)
                result += bytes
            case .letters(let count):
                for _ in 0..<count { result.append(Self.letters[Int(random.below(UInt32(Self.letters.count)))]) }
            case .digits(let count):
                for _ in 0..<count { result.append(UInt8(ascii: "0") + UInt8(random.below(10))) }
            case .zeros(let count):
                result += repeatElement(0, count: count)
            case .time:
                Self.append(UInt32(truncatingIfNeeded: time.seconds), to: &result)
            case .counter:
                Self.append(counter, to: &result)
            }
        }
        return result
    }

    private static let letters = Array("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".utf8)

    private static func append(_ number: UInt32, to bytes: inout [UInt8]) {
        withUnsafeBytes(of: number.bigEndian) { bytes += $0 }
    }
}
