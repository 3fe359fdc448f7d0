import Testing
import Wire

@testable import Datapath

@Suite struct CoalescerTests {
    /// A super-packet's packets, all but the last with `size` bytes of payload.
    private func run(
        _ count: Int, of size: Int, last: Int? = nil, _ change: (inout ModelPacket) -> Void = { _ in }
    ) -> [ModelPacket] {
        var packet = ModelPacket()
        packet.payload = (0..<((count - 1) * size + (last ?? size))).map { UInt8(truncatingIfNeeded: $0 &* 3) }
        change(&packet)
        return packet.segments(of: size)
    }

    @Test func superPacketOfTCP() throws {
        let packets = run(3, of: 100, last: 50) {
            $0.options = [1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8]
            $0.flags = 0x18
        }
        let items = coalesce(packets.map(\.bytes))
        let item = try #require(items.first)
        #expect(items.count == 1)
        #expect(item.parts == packets.map(\.bytes))
        var whole = packets[0]
        whole.payload = packets.flatMap(\.payload)
        whole.flags = 0x18
        #expect(item.packet == whole.superPacketBytes)
        #expect(item.header == whole.header(segmentSize: 100))
    }

    @Test func superPacketOfUDP() throws {
        for isIPv6 in [false, true] {
            let packets = run(3, of: 100, last: 50) {
                $0.isTCP = false
                $0.isIPv6 = isIPv6
            }
            let items = coalesce(packets.map(\.bytes))
            let item = try #require(items.first)
            #expect(items.count == 1)
            var whole = packets[0]
            whole.payload = packets.flatMap(\.payload)
            #expect(item.packet == whole.superPacketBytes)
            #expect(item.header == whole.header(segmentSize: 100))
        }
    }

    @Test func anythingSegmentedIsJoinedAgain() throws {
        var random = PacketRandom(state: 21)
        var coalescer = Coalescer(capacity: 128, usesVirtioHeader: true, mergesTCP: true, mergesUDP: true)
        for round in 0..<300 {
            let (packet, size) = ModelPacket.random(using: &random, limit: round % 30 == 0 ? 20_000 : 800)
            let most = packet.isTCP ? Coalescer.maximumParts : Coalescer.maximumDatagrams
            let packets = Array(packet.segments(of: size).map(\.bytes).prefix(most))
            let items = coalesce(packets, with: &coalescer)
            #expect(items.count == 1, "round \(round)")
            #expect(items.first?.parts == packets)
            #expect(items.first?.segments == packets, "round \(round)")
            #expect(items.first?.isJoined == (packets.count > 1))
        }
    }

    @Test func aLonePacketHasAHeaderOfZeros() {
        let packet = run(1, of: 10)[0].bytes
        let items = coalesce([packet])
        #expect(items.count == 1)
        #expect(items[0].header == VirtioHeader())
        #expect(items[0].packet == packet)
    }

    /// What makes the second of two packets differ, by name.
    static let differences: [(String, @Sendable (inout ModelPacket) -> Void)] = [
        ("source", { $0.source = 9 }),
        ("destination", { $0.destination = 9 }),
        ("source port", { $0.sourcePort = 9 }),
        ("destination port", { $0.destinationPort = 9 }),
        ("DSCP", { $0.trafficClass = 0x10 }),
        ("ECN", { $0.trafficClass = 1 }),
        ("hop limit", { $0.hopLimit = 63 }),
        ("no DF", { $0.fragment = 0 }),
        ("reserved bit", { $0.fragment = 0xc000 }),
        ("more fragments", { $0.fragment = 0x6000 }),
        ("fragment offset", { $0.fragment = 0x0001 }),
        ("flow label", { $0.flowLabel = 1 }),
        ("IP options", { $0.networkOptions = [1, 1, 1, 1] }),
        ("extension header", { $0.extensionHeaders = [$0.transport, 0, 1, 4, 0, 0, 0, 0] }),
        ("gap", { $0.sequence += 1 }),
        ("overlap", { $0.sequence -= 1 }),
        ("acknowledgement", { $0.acknowledgement += 1 }),
        ("FIN", { $0.flags |= 0x01 }),
        ("SYN", { $0.flags |= 0x02 }),
        ("RST", { $0.flags |= 0x04 }),
        ("no ACK", { $0.flags = 0 }),
        ("URG", { $0.flags |= 0x20 }),
        ("ECE", { $0.flags |= 0x40 }),
        ("CWR", { $0.flags |= 0x80 }),
        ("AE", { $0.flags |= 0x100 }),
        ("reserved flag", { $0.flags |= 0x800 }),
        ("window", { $0.window += 1 }),
        ("urgent pointer", { $0.urgentPointer = 1 }),
        ("option", { $0.options[3] ^= 1 }),
        ("more options", { $0.options += [1, 1, 1, 1] }),
        ("no options", { $0.options = [] }),
        ("longer", { $0.payload += [1] }),
        ("empty", { $0.payload = [] }),
        ("protocol", { $0.isTCP.toggle() }),
        ("version", { $0.isIPv6.toggle() }),
    ]

    @Test(arguments: differences.indices, [(false, false), (false, true), (true, false), (true, true)])
    func whatDiffersIsNotJoined(index: Int, kind: (isIPv6: Bool, isTCP: Bool)) {
        let (name, change) = Self.differences[index]
        let packets = run(3, of: 40) {
            $0.isIPv6 = kind.isIPv6
            $0.isTCP = kind.isTCP
            $0.options = [1, 1, 1, 1]
        }
        var changed = packets[1]
        change(&changed)
        // What the other version or protocol doesn't have.
        guard changed.bytes != packets[1].bytes else { return }
        // One after the other, and where TCP puts the later one first.
        for pair in [[packets[0], changed], [changed, packets[2]], [packets[2], changed]] {
            // Longer than the one before, and longer than the one behind, which may have a short end.
            if name == "longer", pair != [packets[0], changed] { continue }
            // Right where it begins or ends.
            if name == "gap" || name == "overlap", !kind.isTCP { continue }
            let bytes = pair.map(\.bytes)
            let items = coalesce(bytes)
            #expect(items.map(\.packet) == bytes, "\(name)")
            #expect(items.allSatisfy { $0.header == VirtioHeader() })
        }
    }

    @Test func damagedPacketsAreNeverJoined() {
        for isTCP in [false, true] {
            for isIPv6 in [false, true] {
                let packets = run(4, of: 40) {
                    $0.isTCP = isTCP
                    $0.isIPv6 = isIPv6
                }
                let whole = packets.map(\.bytes)
                for damaged in whole.indices {
                    // Somewhere in the payload, in the checksum, and in a part of the header that isn't compared.
                    let header = packets[0].networkLength
                    for position in [packets[0].headerLength + 7, header + (isTCP ? 16 : 6), isIPv6 ? header : 4] {
                        var bytes = whole
                        bytes[damaged][position] ^= 0x10
                        for order in [bytes, [bytes[1], bytes[0]] + bytes[2...]] {
                            let items = coalesce(order)
                            for item in items where item.parts.contains(bytes[damaged]) {
                                #expect(!item.isJoined && item.packet == bytes[damaged])
                            }
                            #expect(items.flatMap(\.parts).count == 4)
                        }
                    }
                }
            }
        }
    }

    @Test func anIPv4HeaderWithoutRightChecksumIsNotMended() {
        let packets = run(2, of: 40)
        for damaged in 0...1 {
            var bytes = packets.map(\.bytes)
            bytes[damaged][10] ^= 1
            #expect(coalesce(bytes).map(\.packet) == bytes)
        }
    }

    @Test func datagramsWithoutChecksumStayWithout() {
        var bytes = run(2, of: 40) { $0.isTCP = false }.map(\.bytes)
        for index in 0...1 { bytes[index].replaceSubrange(26..<28, with: [0, 0]) }
        #expect(coalesce(bytes).map(\.packet) == bytes)
        // Also where zero would be the right sum.
        var packet = ModelPacket(isTCP: false)
        packet.payload = [0, 0, 7, 7]
        packet.payload.replaceSubrange(0..<2, with: packet.bytes[26..<28])
        #expect(coalesce([packet.bytes, packet.bytes]).count == 1)
        var without = packet.bytes
        without.replaceSubrange(26..<28, with: [0, 0])
        #expect(coalesce([without, without]).map(\.packet) == [without, without])
    }

    @Test func datagramsWithAnotherLengthInsideAreNotJoined() {
        let packets = run(2, of: 40) { $0.isTCP = false }.map(\.bytes)
        var changed = packets
        changed[1][25] -= 1
        #expect(coalesce(changed).map(\.packet) == changed)
        #expect(coalesce(packets).count == 1)
    }

    @Test func lengthsOtherThanThePacketsOwnAreLeftAlone() {
        let packets = run(2, of: 40).map(\.bytes)
        let padded = [packets[0], packets[1] + [0, 0]]
        #expect(coalesce(padded).map(\.packet) == padded)
    }

    @Test func theShortCutLeavesPaddingOut() {
        let packets = run(3, of: 40).map(\.bytes)
        let room = 16 + packets[0].count + 16
        let memory = UnsafeMutableRawPointer.allocate(byteCount: 3 * room, alignment: 16)
        memory.initializeMemory(as: UInt8.self, repeating: 0, count: 3 * room)
        defer { memory.deallocate() }
        var coalescer = Coalescer(capacity: 3, usesVirtioHeader: true, mergesTCP: true, mergesUDP: true)
        var taken: [Bool] = []
        for (index, packet) in packets.enumerated() {
            let start = memory + index * room + 16
            packet.withUnsafeBytes { start.copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
            // One byte too few for the second packet, then room for padding.
            if index == 1 { taken.append(coalescer.extend(by: start, available: packet.count - 1)) }
            taken.append(coalescer.extend(by: start, available: packet.count + 16))
            if index == 0 { taken.append(coalescer.add(start, length: packet.count)) }
        }
        #expect(taken == [false, true, false, true, true])
        let output = coalescer.next()
        #expect(output?.partCount == 3)
        #expect(output?.length == VirtioHeader.size + packets[0].count + 2 * 40)
        coalescer.reset()
    }

    @Test func aPacketThatComesLateGoesFirst() {
        let packets = run(4, of: 40)
        let items = coalesce([packets[2], packets[1], packets[3], packets[0]].map(\.bytes))
        #expect(items.map(\.parts) == [packets.map(\.bytes)])
        // The last one short and with PSH.
        let ended = run(2, of: 40, last: 11) { $0.flags = 0x18 }
        let reversed = coalesce(ended.reversed().map(\.bytes))
        #expect(reversed.map(\.segments) == [ended.map(\.bytes)])
        // A pushed packet ends a run and so can't begin one.
        var pushed = packets[0]
        pushed.flags = 0x18
        #expect(coalesce([packets[1], pushed].map(\.bytes)).count == 2)
        // Once there are two, all but the last have the same size.
        var longer = packets[0]
        longer.payload = [0] + longer.payload
        longer.sequence -= 1
        #expect(coalesce([packets[1], packets[2], longer].map(\.bytes)).count == 2)
        #expect(coalesce([packets[1], longer].map(\.bytes)).count == 1)
        var shorter = packets[0]
        shorter.payload.removeFirst()
        shorter.sequence += 1
        #expect(coalesce([packets[1], shorter].map(\.bytes)).count == 2)
    }

    @Test func nothingFollowsAShortOrPushedPacket() {
        var packets = run(3, of: 40)
        packets[1].flags = 0x18
        #expect(coalesce(packets.map(\.bytes)).map(\.parts.count) == [2, 1])
        let short = run(2, of: 40, last: 39)
        var third = short[1]
        third.sequence += 39
        #expect(coalesce((short + [third]).map(\.bytes)).map(\.parts.count) == [2, 1])
        let datagrams = run(2, of: 40, last: 39) { $0.isTCP = false }
        #expect(coalesce((datagrams + datagrams).map(\.bytes)).map(\.parts.count) == [2, 2])
    }

    @Test func sequenceNumbersWrap() {
        let packets = run(4, of: 40) { $0.sequence = UInt32.max - 50 }
        #expect(coalesce(packets.map(\.bytes)).map(\.segments) == [packets.map(\.bytes)])
        #expect(coalesce(packets.reversed().map(\.bytes)).map(\.segments) == [packets.map(\.bytes)])
    }

    @Test func sizeLimits() throws {
        for isIPv6 in [false, true] {
            let packets = run(64, of: 1400) { $0.isIPv6 = isIPv6 }
            let items = coalesce(packets.map(\.bytes))
            #expect(items.flatMap { $0.segments ?? [] }.count == 64)
            #expect(items[0].packet.count <= 65535 && items[0].packet.count > 65535 - 1400)
            #expect(items.count == 2)
        }
        let justFits = coalesce(run(5, of: 13_099).map(\.bytes))
        #expect(justFits.map(\.packet.count) == [65535])
        #expect(coalesce(run(8, of: 8187).map(\.bytes)).map(\.parts.count) == [7, 1])
        let many = run(300, of: 1)
        #expect(coalesce(many.map(\.bytes)).map(\.parts.count) == [128, 128, 44])
        // A packet as long as any.
        let longest = run(2, of: 65495)
        #expect(coalesce(longest.map(\.bytes)).map(\.packet) == longest.map(\.bytes))
    }

    @Test func takesNoMoreThanItsCapacity() {
        var coalescer = Coalescer(capacity: 2, usesVirtioHeader: true, mergesTCP: true, mergesUDP: true)
        let packets = run(3, of: 40).map(\.bytes)
        let memory = UnsafeMutableRawPointer.allocate(byteCount: 256, alignment: 16)
        defer { memory.deallocate() }
        packets[0].withUnsafeBytes { (memory + 16).copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
        var taken: [Bool] = []
        for _ in 0..<3 { taken.append(coalescer.add(memory + 16, length: 80)) }
        #expect(taken == [true, true, false])
        let count = coalescer.count
        #expect(count == 2)
        coalescer.reset()
        #expect(coalesce(Array(packets[..<2]), with: &coalescer).map(\.parts.count) == [2])
    }

    @Test func switches() {
        let tcp = run(2, of: 40).map(\.bytes)
        let udp = run(2, of: 40) { $0.isTCP = false }.map(\.bytes)
        #expect(coalesce(tcp + udp, mergesUDP: false).map(\.parts.count) == [2, 1, 1])
        #expect(coalesce(tcp + udp, mergesTCP: false).map(\.parts.count) == [1, 1, 2])
        #expect(coalesce(tcp + udp, mergesTCP: false, mergesUDP: false).map(\.packet) == tcp + udp)
        // Without virtio headers nothing is joined and nothing comes before a packet.
        #expect(coalesce(tcp + udp, usesVirtioHeader: false).map(\.packet) == tcp + udp)
    }

    @Test func asManyFlowsAsPackets() {
        let flows = (0..<128).map { flow in
            run(4, of: 20) {
                $0.isIPv6 = flow % 2 == 0
                $0.isTCP = flow % 3 == 0
                $0.sourcePort = UInt16(flow)
            }
        }
        let packets = (0..<4).flatMap { index in flows.map { $0[index].bytes } }
        var coalescer = Coalescer(capacity: packets.count, usesVirtioHeader: true, mergesTCP: true, mergesUDP: true)
        for _ in 0..<3 {
            let items = coalesce(packets, with: &coalescer)
            #expect(items.map(\.parts) == flows.map { $0.map(\.bytes) })
        }
    }
}
