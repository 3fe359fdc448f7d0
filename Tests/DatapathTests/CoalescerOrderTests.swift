import Testing
import Wire

@testable import Datapath

@Suite struct CoalescerOrderTests {
    /// Whether `late`, which arrived after `early` and everything `between`, may be written before it: only as data that
    /// the others continue, with nothing but data of the same kind on the way.
    private func mayOvertake(_ early: ModelPacket, _ between: some Sequence<ModelPacket>, _ late: ModelPacket) -> Bool {
        func isPlainData(_ packet: ModelPacket) -> Bool {
            packet.isTCP && packet.flags & ~0x08 == 0x10 && !packet.payload.isEmpty
                && packet.acknowledgement == late.acknowledgement && packet.fragment & 0x3fff == 0
        }
        guard isPlainData(early), isPlainData(late), between.allSatisfy(isPlainData), late.flags == 0x10 else {
            return false
        }
        let end = late.sequence &+ UInt32(late.payload.count)
        return Int32(bitPattern: early.sequence &- end) >= 0
    }

    /// A few packets of one flow as a network might bring them: data in runs, swapped neighbours, acknowledgements,
    /// ends, repeats and fragments.
    private func traffic(of flow: Int, using random: inout PacketRandom) -> [ModelPacket] {
        var packet = ModelPacket()
        packet.isIPv6 = flow & 1 == 1
        packet.isTCP = flow % 3 != 2
        packet.sourcePort = UInt16(5000 + flow)
        packet.sequence = random.below(2) == 0 ? 0xffff_ff00 : 77
        var packets: [ModelPacket] = []
        for _ in 0..<(4 + random.below(20)) {
            var next = packet
            let size = random.below(5) == 0 ? 1 + random.below(30) : 24
            next.payload = random.bytes(size)
            switch random.below(14) {
            case 0: next.flags = 0x18
            case 1: next.flags = 0x11
            case 2: next.payload = []
            case 3: packet.acknowledgement += 10
            case 4: next.flags = 0x50
            case 5 where !next.isIPv6: next.fragment = 0x2000
            case 6: if let earlier = packets.randomElement(using: &random) { next = earlier }
            default: break
            }
            packet.identification &+= 1
            packet.sequence &+= UInt32(next.payload.count)
            packets.append(next)
        }
        for _ in 0..<random.below(4) {
            let index = random.below(packets.count - 1)
            packets.swapAt(index, index + 1)
        }
        return packets
    }

    @Test func theOrderOfAFlowStays() throws {
        var random = PacketRandom(state: 31)
        var coalescer = Coalescer(capacity: 256, usesVirtioHeader: true, mergesTCP: true, mergesUDP: true)
        var joined = 0
        var overtakes = 0
        for round in 0..<250 {
            var waiting = (0..<(1 + random.below(6))).map { traffic(of: $0, using: &random) }
            var input: [ModelPacket] = []
            while !waiting.isEmpty {
                // Mostly in runs, as a batch brings them.
                let flow = random.below(waiting.count)
                for _ in 0...random.below(6) where !waiting[flow].isEmpty { input.append(waiting[flow].removeFirst()) }
                if waiting[flow].isEmpty { waiting.remove(at: flow) }
            }
            let inputBytes = input.map(\.bytes)
            let items = coalesce(inputBytes, with: &coalescer)
            joined += items.count(where: \.isJoined)

            // Each packet comes out once; of equal ones the first comes first.
            var positions: [[UInt8]: [Int]] = [:]
            for (index, bytes) in inputBytes.enumerated().reversed() { positions[bytes, default: []].append(index) }
            var order: [Int] = []
            for part in items.flatMap(\.parts) {
                let index = positions[part]?.popLast()
                order.append(try #require(index, "round \(round)"))
            }
            try #require(order.count == input.count)
            for flow in Set(input.map(\.sourcePort)) {
                let written = order.filter { input[$0].sourcePort == flow }
                for (place, index) in written.enumerated() {
                    for overtaken in written[place...] where overtaken < index {
                        overtakes += 1
                        let between = input[overtaken..<index].dropFirst().filter { $0.sourcePort == flow }
                        #expect(mayOvertake(input[overtaken], between, input[index]), "round \(round)")
                    }
                }
            }
            for item in items where item.isJoined {
                let segments = try #require(item.segments)
                #expect(segments.map(withoutIdentification) == item.parts.map(withoutIdentification), "round \(round)")
            }
        }
        // The test would say nothing if these were rare.
        #expect(joined > 500)
        #expect(overtakes > 50)
    }

    /// Joining keeps the first packet's IPv4 identification and counts on from there.
    private func withoutIdentification(_ packet: [UInt8]) -> [UInt8] {
        guard packet[0] >> 4 == 4 else { return packet }
        return Array(packet[..<4] + packet[6..<10] + packet[12...])
    }

    private func data(_ count: Int) -> [ModelPacket] {
        var packet = ModelPacket()
        packet.payload = [UInt8](repeating: 5, count: 20 * count)
        return packet.segments(of: 20)
    }

    @Test func anAcknowledgementIsNotOvertaken() {
        let packets = data(3)
        var acknowledgement = packets[1]
        acknowledgement.payload = []
        let mixed = [packets[0], acknowledgement, packets[1], packets[2]].map(\.bytes)
        #expect(coalesce(mixed).map(\.parts) == [[mixed[0]], [mixed[1]], [mixed[2], mixed[3]]])
        let late = [packets[1], acknowledgement, packets[0]].map(\.bytes)
        #expect(coalesce(late).map(\.packet) == late)
    }

    @Test func whatCannotBeToldFromTheFlowIsNotOvertaken() {
        let packets = data(2)
        var options = packets[0]
        options.networkOptions = [1, 1, 1, 1]
        var fragment = packets[0]
        // Where the first fragment has the ports, this one has something else.
        fragment.fragment = 0x0010
        fragment.sourcePort = 9
        var extended = packets[0]
        extended.isIPv6 = true
        extended.extensionHeaders = [6, 0, 1, 4, 0, 0, 0, 0]
        for between in [options, fragment, extended] {
            let mixed = [packets[0], between, packets[1]].map(\.bytes)
            #expect(coalesce(mixed).map(\.packet) == mixed)
        }
        var short = packets[0].bytes
        short[3] = 30
        let mixed = [packets[0].bytes, Array(short[..<30]), packets[1].bytes]
        #expect(coalesce(mixed).map(\.packet) == mixed)
    }

    @Test func otherProtocolsAndFlowsDoNotPartAFlow() {
        let packets = data(2)
        var echo = packets[0].bytes
        echo[9] = 1
        var other = packets[1]
        other.sourcePort = 1
        let items = coalesce([packets[0].bytes, echo, other.bytes, packets[1].bytes])
        #expect(items.map(\.parts) == [packets.map(\.bytes), [echo], [other.bytes]])
    }

    @Test func onlyTheNewestItemGrows() {
        let packets = data(4)
        var other = packets[3]
        other.acknowledgement += 1
        let mixed = [packets[0], other, packets[1]].map(\.bytes)
        #expect(coalesce(mixed).map(\.packet) == mixed)
    }

    @Test func hostileBytes() {
        var random = PacketRandom(state: 32)
        let whole = (0..<6).flatMap { flow -> [[UInt8]] in
            var packet = ModelPacket(isIPv6: flow & 1 == 1, isTCP: flow < 4)
            packet.options = [1, 1, 1, 1]
            packet.payload = random.bytes(40)
            return packet.segments(of: 16).map(\.bytes)
        }
        let slotSize = 160
        let memory = UnsafeMutableRawPointer.allocate(byteCount: slotSize * 50, alignment: 16)
        defer { memory.deallocate() }
        var coalescer = Coalescer(capacity: 50, usesVirtioHeader: true, mergesTCP: true, mergesUDP: true)
        var joined = 0
        for _ in 0..<2000 {
            var total = 0
            for slot in 0..<50 {
                var bytes = whole[(slot + random.below(2)) % whole.count]
                if random.below(16) == 0 { bytes = random.bytes(random.below(120)) }
                for _ in 0..<(random.below(3) / 2) where !bytes.isEmpty {
                    bytes[random.below(bytes.count)] = UInt8(truncatingIfNeeded: random.next())
                }
                if random.below(20) == 0 { bytes.removeLast(random.below(bytes.count + 1)) }
                total += bytes.count
                // The packet ends where its slot ends.
                let start = memory + (slot * slotSize + slotSize - bytes.count)
                UnsafeMutableRawBufferPointer(start: start, count: bytes.count).copyBytes(from: bytes)
                _ = coalescer.add(start, length: bytes.count)
            }
            var written = 0
            while let output = coalescer.next() {
                if output.partCount > 1 { joined += 1 }
                while let part = coalescer.nextPart() { written += part.length - VirtioHeader.size }
            }
            if written != total { Issue.record("\(written) of \(total) bytes were written") }
            coalescer.reset()
        }
        #expect(joined > 1000)
    }
}
