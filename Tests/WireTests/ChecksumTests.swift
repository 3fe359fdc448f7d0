import Testing
import Wire

@Suite struct ChecksumTests {
    /// The checksum of `bytes` as two bytes in network order.
    private func checksum(_ bytes: [UInt8], at offset: Int = 0) -> UInt16 {
        let shifted = [UInt8](repeating: 0xa5, count: offset) + bytes
        return shifted.withUnsafeBytes {
            UInt16(bigEndian: Checksum.finish(Checksum.sum($0.baseAddress! + offset, count: bytes.count)))
        }
    }

    @Test func exampleOfRFC1071() {
        #expect(checksum(hexBytes("0001 f203 f4f5 f6f7")) == ~0xddf2)
    }

    @Test func everyLengthAtEveryAlignment() {
        var random = PacketRandom(state: 1)
        for length in 0...150 {
            let bytes = random.bytes(length)
            for offset in [0, 1, 2, 3, 5, 8, 15] {
                #expect(checksum(bytes, at: offset) == slowChecksum(bytes), "length \(length), offset \(offset)")
            }
        }
    }

    @Test func carriesOfLongBuffers() {
        for byte: UInt8 in [0xff, 0x80, 0x01] {
            for length in [65535, 65536, 4099] {
                let bytes = [UInt8](repeating: byte, count: length)
                #expect(checksum(bytes) == slowChecksum(bytes))
            }
        }
    }

    @Test func copyGivesTheBytesAndTheirSum() {
        var random = PacketRandom(state: 2)
        for length in Array(0...100) + [1399, 1400, 1452] {
            let bytes = random.bytes(length)
            var target = [UInt8](repeating: 0x77, count: length + 8)
            let sum = bytes.withUnsafeBytes { source in
                target.withUnsafeMutableBytes {
                    // An empty array has no address.
                    length == 0
                        ? 0 : Checksum.copy(from: source.baseAddress!, to: $0.baseAddress! + 3, count: length)
                }
            }
            #expect(Array(target[3..<(3 + length)]) == bytes)
            #expect(target[..<3].allSatisfy { $0 == 0x77 } && target[(3 + length)...].allSatisfy { $0 == 0x77 })
            #expect(UInt16(bigEndian: Checksum.finish(sum)) == slowChecksum(bytes), "length \(length)")
        }
    }

    @Test func foldOfExtremes() {
        #expect(Checksum.fold(0) == 0)
        #expect(Checksum.fold(0xffff) == 0xffff)
        #expect(Checksum.fold(.max) == 0xffff)
        #expect(Checksum.fold(0x1_0000) == 1)
        #expect(Checksum.fold(0xffff_ffff_0000_0001) == 1)
    }

    @Test func pseudoHeaders() {
        let four = packet4(payload: [1, 2, 3])
        let sum4 = four.withUnsafeBytes {
            Checksum.pseudoHeader(of: $0.baseAddress!, isIPv6: false, nextHeader: 17, length: 0x1234)
        }
        #expect(UInt16(bigEndian: Checksum.finish(sum4)) == slowChecksum(four[12..<20] + [0, 17, 0x12, 0x34]))
        let six = packet6(payload: [1, 2, 3])
        let sum6 = six.withUnsafeBytes {
            Checksum.pseudoHeader(of: $0.baseAddress!, isIPv6: true, nextHeader: 6, length: 0x1_0203)
        }
        #expect(
            UInt16(bigEndian: Checksum.finish(sum6)) == slowChecksum(six[8..<40] + [0, 1, 2, 3, 0, 0, 0, 6]))
    }

    @Test func replacingAWordGivesAChecksumThatVerifies() {
        var random = PacketRandom(state: 3)
        for _ in 0..<2000 {
            var bytes = random.bytes(20)
            bytes[10] = 0
            bytes[11] = 0
            let before = slowChecksum(bytes)
            let old = UInt16(bytes[0]) << 8 | UInt16(bytes[1])
            let new = UInt16.random(in: 0...0xffff, using: &random)
            bytes[0] = UInt8(new >> 8)
            bytes[1] = UInt8(new & 255)
            let after = Checksum.replacing(old, by: new, in: before)
            bytes[10] = UInt8(after >> 8)
            bytes[11] = UInt8(after & 255)
            #expect(slowChecksum(bytes) == 0)
        }
    }
}
