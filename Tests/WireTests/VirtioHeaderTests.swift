import Testing
import Wire

@Suite struct VirtioHeaderTests {
    @Test func layout() {
        var header = VirtioHeader()
        header.flags = VirtioHeader.needsChecksum
        header.segmentationType = VirtioHeader.SegmentationType.udp
        header.headerLength = UInt16(bigEndian: 0x0102)
        header.segmentSize = UInt16(bigEndian: 0x0304)
        header.checksumStart = UInt16(bigEndian: 0x0506)
        header.checksumOffset = UInt16(bigEndian: 0x0708)
        var bytes = [UInt8](repeating: 0xee, count: 12)
        bytes.withUnsafeMutableBytes { header.store(to: $0.baseAddress! + 1) }
        #expect(bytes == [0xee, 1, 5, 1, 2, 3, 4, 5, 6, 7, 8, 0xee])
        let loaded = bytes.withUnsafeBytes { VirtioHeader(loading: $0.baseAddress! + 1) }
        #expect(loaded == header)
    }

    @Test func anOrdinaryPacketHasZeros() {
        var bytes = [UInt8](repeating: 0xee, count: VirtioHeader.size)
        bytes.withUnsafeMutableBytes { VirtioHeader().store(to: $0.baseAddress!) }
        #expect(bytes.allSatisfy { $0 == 0 })
    }
}
