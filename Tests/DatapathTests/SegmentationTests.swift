import Testing
import Wire

@testable import Datapath

@Suite struct SegmentationTests {
    /// The segments of `bytes`, each written to memory of just the promised size.
    private func segments(_ header: VirtioHeader, _ bytes: [UInt8]) -> Result<[[UInt8]], SegmentationFailure> {
        var copy = bytes
        return copy.withUnsafeMutableBytes { buffer in
            Segmentation.plan(header: header, packet: buffer).map { plan in
                (0..<plan.segmentCount).map { index in
                    var segment = [UInt8](repeating: 0xee, count: plan.maximumLength)
                    let length = segment.withUnsafeMutableBytes { plan.write(segment: index, to: $0.baseAddress!) }
                    return Array(segment[..<length])
                }
            }
        }
    }

    private func failure(_ header: VirtioHeader, _ bytes: [UInt8]) -> SegmentationFailure? {
        if case .failure(let failure) = segments(header, bytes) { failure } else { nil }
    }

    @Test func fiveDatagramsOfOneSend() throws {
        var packet = ModelPacket(isTCP: false)
        packet.payload = (0..<5000).map { UInt8(truncatingIfNeeded: $0 / 3) }
        var header = VirtioHeader()
        header.flags = 1
        header.segmentationType = 5
        header.headerLength = 28
        header.segmentSize = 1000
        header.checksumStart = 20
        header.checksumOffset = 6
        #expect(packet.superPacketBytes.count == 5028)
        let result = try segments(header, packet.superPacketBytes).get()
        #expect(result.count == 5)
        #expect(result.allSatisfy { $0.count == 1028 })
        #expect(result == packet.segments(of: 1000).map(\.bytes))
    }

    /// Bytes that were computed apart from this code.
    @Test func knownSegments() throws {
        let packet: [UInt8] = [
            0x45, 0, 0, 45, 0xff, 0xff, 0x40, 0, 64, 6, 0x26, 0xc9, 10, 0, 0, 1, 10, 0, 0, 2,
            0x03, 0xe8, 0x07, 0xd0, 0xff, 0xff, 0xff, 0xfe, 0, 0, 0, 9, 0x50, 0x99, 1, 0, 0x14, 0x22, 0, 0,
            1, 2, 3, 4, 5,
        ]
        var header = VirtioHeader()
        header.flags = 1
        header.segmentationType = 0x81
        header.headerLength = 45
        header.segmentSize = 3
        header.checksumStart = 20
        header.checksumOffset = 16
        let expected: [[UInt8]] = [
            [
                0x45, 0, 0, 43, 0xff, 0xff, 0x40, 0, 64, 6, 0x26, 0xcb, 10, 0, 0, 1, 10, 0, 0, 2,
                0x03, 0xe8, 0x07, 0xd0, 0xff, 0xff, 0xff, 0xfe, 0, 0, 0, 9, 0x50, 0x90, 1, 0, 0x8a, 0x8d, 0, 0,
                1, 2, 3,
            ],
            [
                0x45, 0, 0, 42, 0, 0, 0x40, 0, 64, 6, 0x26, 0xcc, 10, 0, 0, 1, 10, 0, 0, 2,
                0x03, 0xe8, 0x07, 0xd0, 0, 0, 0, 1, 0, 0, 0, 9, 0x50, 0x19, 1, 0, 0x8b, 0x00, 0, 0,
                4, 5,
            ],
        ]
        #expect(try segments(header, packet).get() == expected)
    }

    @Test func segmentsOfRandomSuperPackets() throws {
        var random = PacketRandom(state: 11)
        for round in 0..<400 {
            let (packet, size) = ModelPacket.random(using: &random, limit: round % 40 == 0 ? 20_000 : 600)
            var header = packet.header(segmentSize: size)
            header.headerLength = UInt16.random(in: 0...65535, using: &random)
            let result = try segments(header, packet.superPacketBytes).get()
            #expect(result == packet.segments(of: size).map(\.bytes), "round \(round)")
        }
    }

    @Test func moreSegmentsThanAnyBatchHolds() throws {
        var packet = ModelPacket()
        var random = PacketRandom(state: 12)
        packet.payload = random.bytes(2000)
        let result = try segments(packet.header(segmentSize: 1), packet.superPacketBytes).get()
        #expect(result.count == 2000)
        #expect(result == packet.segments(of: 1).map(\.bytes))
    }

    @Test func markOfReducedWindowOnlyOnTheFirst() throws {
        var packet = ModelPacket()
        packet.flags = 0x99
        packet.payload = [UInt8](repeating: 3, count: 25)
        for isIPv6 in [false, true] {
            packet.isIPv6 = isIPv6
            var header = packet.header(segmentSize: 10)
            header.segmentationType |= 0x80
            let flags = try segments(header, packet.superPacketBytes).get().map { $0[packet.networkLength + 13] }
            #expect(flags == [0x90, 0x10, 0x19])
        }
    }

    @Test func optionsAndExtensionHeadersAreCopied() throws {
        var four = ModelPacket()
        four.networkOptions = [1, 1, 1, 0]
        four.payload = [UInt8](repeating: 3, count: 25)
        let result = try segments(four.header(segmentSize: 9), four.superPacketBytes).get()
        #expect(result == four.segments(of: 9).map(\.bytes))
        for isTCP in [false, true] {
            var six = four
            six.isIPv6 = true
            six.isTCP = isTCP
            six.networkOptions = []
            six.extensionHeaders = [six.transport, 1] + [UInt8](repeating: 1, count: 14)
            // As with a routing header: the checksum covers another destination than the packet shows.
            six.finalDestination = 99
            let result = try segments(six.header(segmentSize: 9), six.superPacketBytes).get()
            #expect(result == six.segments(of: 9).map(\.bytes))
        }
    }

    @Test func aSuperPacketWithCompleteChecksumTellsNoStart() throws {
        for isIPv6 in [false, true] {
            var packet = ModelPacket(isIPv6: isIPv6)
            packet.payload = [UInt8](repeating: 3, count: 25)
            var header = packet.header(segmentSize: 10)
            header.flags = 0
            header.checksumStart = 0
            #expect(try segments(header, packet.bytes).get() == packet.segments(of: 10).map(\.bytes))
        }
    }

    @Test func aSuperPacketWithoutPayloadIsOnePacket() throws {
        let packet = ModelPacket()
        #expect(try segments(packet.header(segmentSize: 1000), packet.superPacketBytes).get() == [packet.bytes])
    }

    @Test func ordinaryPacketsStayAsTheyAre() throws {
        for isIPv6 in [false, true] {
            var packet = ModelPacket(isIPv6: isIPv6)
            packet.payload = [1, 2, 3]
            #expect(try segments(VirtioHeader(), packet.bytes).get() == [packet.bytes])
            // Without what follows the packet.
            #expect(try segments(VirtioHeader(), packet.bytes + [9, 9]).get() == [packet.bytes])
        }
    }

    @Test func checksumsOfOrdinaryPacketsAreCompleted() throws {
        var random = PacketRandom(state: 13)
        for _ in 0..<300 {
            var (packet, _) = ModelPacket.random(using: &random, limit: 80)
            // The pair that a sum of zero comes from turns up now and then.
            if packet.payload.count < 2 || packet.payload.count % 2 == 1 { packet.payload += [0] }
            var header = packet.header(segmentSize: 0)
            header.segmentationType = 0
            header.headerLength = 0
            #expect(try segments(header, packet.superPacketBytes).get() == [packet.bytes])
        }
    }

    @Test func aSumOfZeroIsNeverSent() throws {
        var packet = ModelPacket(isTCP: false)
        packet.payload = [0, 0, 7, 7]
        // The payload that makes the checksum zero is the checksum with zeros in its place.
        packet.payload.replaceSubrange(0..<2, with: packet.bytes[26..<28])
        #expect(packet.bytes[26..<28] == [0xff, 0xff])
        var header = packet.header(segmentSize: 10)
        #expect(try segments(header, packet.superPacketBytes).get() == [packet.bytes])
        header.segmentationType = 0
        #expect(try segments(header, packet.superPacketBytes).get() == [packet.bytes])
    }

    @Test func refusals() {
        var packet = ModelPacket()
        packet.payload = [UInt8](repeating: 3, count: 25)
        let bytes = packet.superPacketBytes
        let good = packet.header(segmentSize: 10)
        #expect(failure(good, bytes) == nil)
        #expect(failure(good, []) == .malformedPacket)
        #expect(failure(good, Array(bytes.dropLast())) == .malformedPacket)

        func with(_ change: (inout VirtioHeader) -> Void) -> SegmentationFailure? {
            var header = good
            change(&header)
            return failure(header, bytes)
        }
        for type: UInt8 in [2, 3, 6, 7, 0x7f, 0x80, 0x83, 0x85, 0xff] {
            #expect(with { $0.segmentationType = type } == .unknownType)
        }
        #expect(with { $0.segmentationType = 4 } == .mismatchedType)
        #expect(with { $0.segmentationType = 5 } == .mismatchedType)
        #expect(with { $0.segmentSize = 0 } == .zeroSegmentSize)
        for start: UInt16 in [0, 19, 21, 40, 65535] {
            #expect(with { $0.checksumStart = start } == .checksumOutOfBounds)
        }
        for (start, offset): (UInt16, UInt16) in [(19, 16), (20, 44), (20, 65535), (65535, 65535), (0, 0)] {
            let failure = with {
                $0.segmentationType = 0
                $0.checksumStart = start
                $0.checksumOffset = offset
            }
            #expect(failure == .checksumOutOfBounds)
        }

        for offset: UInt8 in [0, 0x40, 0xf0] {
            var changed = bytes
            changed[32] = offset
            #expect(failure(good, changed) == .malformedTransport)
        }
        var six = packet
        six.isIPv6 = true
        var header = six.header(segmentSize: 10)
        header.segmentationType = 1
        #expect(failure(header, six.superPacketBytes) == .mismatchedType)
        header = six.header(segmentSize: 10)
        header.checksumStart = 66
        #expect(failure(header, six.superPacketBytes) == .malformedTransport)
        header.checksumStart = 39
        #expect(failure(header, six.superPacketBytes) == .checksumOutOfBounds)
    }

    @Test func hostileBytes() {
        var random = PacketRandom(state: 14)
        let models = (0..<16).map { _ in ModelPacket.random(using: &random, limit: 40) }
        let whole = models.map { ($0.0.header(segmentSize: $0.segmentSize), $0.0.superPacketBytes) }
        let target = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 16)
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 16)
        defer {
            target.deallocate()
            memory.deallocate()
        }
        var planned = 0
        for round in 0..<150_000 {
            var (header, bytes) = whole[round & 15]
            if round % 8 == 7 { bytes = random.bytes(random.below(80)) }
            for _ in 0..<random.below(3) where !bytes.isEmpty {
                bytes[random.below(bytes.count)] = UInt8(truncatingIfNeeded: random.next())
            }
            if round % 3 != 0 {
                var raw = [UInt8](repeating: 0, count: VirtioHeader.size)
                raw.withUnsafeMutableBytes { header.store(to: $0.baseAddress!) }
                raw[random.below(raw.count)] = UInt8(truncatingIfNeeded: random.next())
                header = raw.withUnsafeBytes { VirtioHeader(loading: $0.baseAddress!) }
            }
            // The packet ends where its memory ends.
            let packet = UnsafeMutableRawBufferPointer(rebasing: memory[(memory.count - bytes.count)...])
            packet.copyBytes(from: bytes)
            guard case .success(let plan) = Segmentation.plan(header: header, packet: packet) else { continue }
            planned += 1
            var payload = 0
            for index in [0, plan.segmentCount - 1] {
                let length = plan.write(segment: index, to: target.baseAddress!)
                let isRight =
                    length >= plan.headerLength && length <= plan.maximumLength && length <= bytes.count
                if !isRight { Issue.record("wrong length \(length) of \(bytes)") }
                payload += length - plan.headerLength
            }
            if payload > 2 * bytes.count { Issue.record("more payload than there is in \(bytes)") }
        }
        #expect(planned > 10_000)
    }
}
