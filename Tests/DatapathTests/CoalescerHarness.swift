import Glibc
import Wire

@testable import Datapath

/// What was written in one call.
struct WrittenItem: Equatable {
    var header: VirtioHeader
    /// The packet or super-packet behind the header.
    var packet: [UInt8]
    /// The packets it was joined from.
    var parts: [[UInt8]]

    var isJoined: Bool { parts.count > 1 }

    /// The packets that a kernel makes of it.
    var segments: [[UInt8]]? {
        var copy = packet
        return copy.withUnsafeMutableBytes { bytes in
            guard case .success(let plan) = Segmentation.plan(header: header, packet: bytes) else { return nil }
            return (0..<plan.segmentCount).map { index in
                [UInt8](unsafeUninitializedCapacity: plan.maximumLength) { buffer, count in
                    count = plan.write(segment: index, to: UnsafeMutableRawPointer(buffer.baseAddress!))
                }
            }
        }
    }
}

/// Passes packets through a coalescer, each in memory of its own with the headroom that a lane gives it.
func coalesce(
    _ packets: [[UInt8]], usesVirtioHeader: Bool = true, mergesTCP: Bool = true, mergesUDP: Bool = true
) -> [WrittenItem] {
    var coalescer = Coalescer(
        capacity: max(1, packets.count), usesVirtioHeader: usesVirtioHeader, mergesTCP: mergesTCP, mergesUDP: mergesUDP)
    return coalesce(packets, with: &coalescer)
}

/// The packets go through twice, with the short cut for those that simply go on and without, which must come to the same.
func coalesce(_ packets: [[UInt8]], with coalescer: inout Coalescer) -> [WrittenItem] {
    let items = coalesce(packets, with: &coalescer, takesShortCut: false)
    precondition(coalesce(packets, with: &coalescer, takesShortCut: true) == items)
    return items
}

private func coalesce(
    _ packets: [[UInt8]], with coalescer: inout Coalescer, takesShortCut: Bool
) -> [WrittenItem] {
    let memory = packets.map { packet in
        let slot = UnsafeMutableRawBufferPointer.allocate(byteCount: 16 + packet.count, alignment: 16)
        slot.initializeMemory(as: UInt8.self, repeating: 0xdd)
        UnsafeMutableRawBufferPointer(rebasing: slot[16...]).copyBytes(from: packet)
        return slot
    }
    defer { memory.forEach { $0.deallocate() } }
    for (slot, packet) in zip(memory, packets) {
        let start = slot.baseAddress! + 16
        if takesShortCut, hasLengthOfItsOwn(packet), coalescer.extend(by: start, available: packet.count) { continue }
        precondition(coalescer.add(start, length: packet.count))
    }
    var items: [WrittenItem] = []
    while let output = coalescer.next() {
        let (header, packet) = contents(of: output, hasHeader: coalescer.usesVirtioHeader)
        var parts: [[UInt8]] = []
        while let part = coalescer.nextPart() {
            let (partHeader, partPacket) = contents(of: part, hasHeader: coalescer.usesVirtioHeader)
            precondition(part.partCount == 1 && partHeader == VirtioHeader())
            parts.append(partPacket)
        }
        precondition(parts.count == output.partCount)
        items.append(WrittenItem(header: header, packet: packet, parts: parts))
    }
    coalescer.reset()
    return items
}

/// Whether the packet is as long as its IP header says, which is what a lane makes sure of.
private func hasLengthOfItsOwn(_ packet: [UInt8]) -> Bool {
    packet.withUnsafeBytes { IPPacket($0)?.length == $0.count }
}

private func contents(of output: Coalescer.Output, hasHeader: Bool) -> (VirtioHeader, [UInt8]) {
    var bytes: [UInt8] = []
    for slice in output.slices {
        bytes += UnsafeRawBufferPointer(start: slice.iov_base, count: slice.iov_len)
    }
    precondition(bytes.count == output.length)
    guard hasHeader else { return (VirtioHeader(), bytes) }
    let header = bytes.withUnsafeBytes { VirtioHeader(loading: $0.baseAddress!) }
    return (header, Array(bytes.dropFirst(VirtioHeader.size)))
}
