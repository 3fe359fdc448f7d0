import Datapath
import Glibc
import Wire

/// Gives packets to a coalescer and compares what comes out with what went in: every packet comes out once, and a
/// super-packet is cut into the very packets that it was made of.
struct CoalescerCheck: ~Copyable {
    private var coalescer: Coalescer
    private var packets: [Packet] = []
    private var places: [UnsafeMutableRawPointer: Int] = [:]

    private struct Packet {
        let memory: ExactBuffer
        let contents: [UInt8]
        var isOut = false
    }

    init(usesVirtioHeader: Bool, mergesTCP: Bool, mergesUDP: Bool) {
        coalescer = Coalescer(
            capacity: 64, usesVirtioHeader: usesVirtioHeader, mergesTCP: mergesTCP, mergesUDP: mergesUDP)
    }

    var count: Int { packets.count }

    /// Takes the packet of `length` bytes at `start`, in memory that has the coalescer's headroom before it.
    mutating func add(_ memory: ExactBuffer, at start: UnsafeMutableRawPointer, length: Int) {
        let contents = Array(UnsafeRawBufferPointer(start: start, count: length))
        places[start] = packets.count
        packets.append(Packet(memory: memory, contents: contents))
        let isTaken = coalescer.extend(by: start, available: length) || coalescer.add(start, length: length)
        require(isTaken, "there is room for the packet")
    }

    /// Takes everything out.
    mutating func finish() {
        while let output = coalescer.next() {
            let whole = gather(output)
            require(output.partCount <= Coalescer.maximumParts, "the parts are bounded")
            var parts: [[UInt8]] = []
            while let part = coalescer.nextPart() { parts.append(take(part)) }
            require(parts.count == output.partCount, "an output has as many parts as it says")
            if parts.count == 1 {
                require(Array(whole.bytes.dropFirst(headerSize)) == parts[0], "a lone packet stays as it is")
            } else {
                compare(whole, parts)
            }
        }
        require(packets.allSatisfy(\.isOut), "every packet comes out")
        coalescer.reset()
    }

    private var headerSize: Int { coalescer.usesVirtioHeader ? VirtioHeader.size : 0 }

    private func gather(_ output: Coalescer.Output) -> ExactBuffer {
        let whole = ExactBuffer(count: output.length)
        var offset = 0
        for slice in output.slices {
            require(offset + slice.iov_len <= output.length, "the slices are as long as the output")
            whole.bytes[offset..<offset + slice.iov_len].copyBytes(
                from: UnsafeRawBufferPointer(start: slice.iov_base, count: slice.iov_len))
            offset += slice.iov_len
        }
        require(offset == output.length, "the slices are as long as the output")
        return whole
    }

    /// The packet of a part, which must be one that went in.
    private mutating func take(_ part: Coalescer.Output) -> [UInt8] {
        require(part.slices.count == 1 && part.partCount == 1, "a part is a whole packet")
        guard let start = part.slices[0].iov_base, let place = places[start + headerSize] else {
            fatalError("a part is a packet that was added")
        }
        let bytes = UnsafeRawBufferPointer(start: start + headerSize, count: part.slices[0].iov_len - headerSize)
        require(!packets[place].isOut, "a packet comes out once")
        require(bytes.elementsEqual(packets[place].contents), "a packet comes out as it went in")
        packets[place].isOut = true
        return packets[place].contents
    }

    private func compare(_ whole: ExactBuffer, _ parts: [[UInt8]]) {
        let header = VirtioHeader(loading: whole.start)
        let packet = UnsafeMutableRawBufferPointer(rebasing: whole.bytes[VirtioHeader.size...])
        guard case .success(let plan) = Segmentation.plan(header: header, packet: packet) else {
            fatalError("a super-packet can be cut")
        }
        require(plan.segmentCount == parts.count, "as many segments as parts")
        let target = ExactBuffer(count: plan.maximumLength)
        for (index, part) in parts.enumerated() {
            let length = plan.write(segment: index, to: target.start)
            let segment = UnsafeRawBufferPointer(rebasing: target.readable[..<length])
            require(isSame(segment, part, transport: Int(header.checksumStart)), "segment \(index) is the part")
        }
    }

    /// Whether two packets with right checksums are the same, but for these and the IPv4 identification.
    private func isSame(_ segment: UnsafeRawBufferPointer, _ part: [UInt8], transport: Int) -> Bool {
        guard segment.count == part.count, let packet = IPPacket(segment) else { return false }
        let hasRightChecksums = part.withUnsafeBytes { bytes in
            IPPacket(bytes).map { PacketCheck.hasRightChecksums($0, transport: transport) } ?? false
        }
        guard hasRightChecksums, PacketCheck.hasRightChecksums(packet, transport: transport) else { return false }
        let field =
            transport + (packet.nextHeader == TransportProtocol.tcp ? TCPHeader.checksum : UDPHeader.checksum)
        for index in segment.indices where segment[index] != part[index] {
            let isIdentification =
                !packet.isIPv6 && (4..<6).contains(index) || !packet.isIPv6 && (10..<12).contains(index)
            guard isIdentification || (field..<field + 2).contains(index) else { return false }
        }
        return true
    }
}
