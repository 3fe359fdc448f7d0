import Wire

/// SplitMix64: the same numbers in every run.
struct PacketRandom: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
        return value ^ value >> 31
    }

    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }

    mutating func bytes(_ count: Int) -> [UInt8] {
        var result = [UInt8](repeating: 0, count: count)
        var index = 0
        while index < count {
            let word = next()
            for shift in stride(from: UInt64(0), to: 64, by: 8) where index < count {
                result[index] = UInt8(truncatingIfNeeded: word >> shift)
                index += 1
            }
        }
        return result
    }
}

/// The one's complement sum as RFC 1071 defines it, a word at a time.
func slowSum(_ bytes: some Sequence<UInt8>) -> UInt16 {
    var sum: UInt64 = 0
    var isHigh = true
    for byte in bytes {
        sum += isHigh ? UInt64(byte) << 8 : UInt64(byte)
        isHigh.toggle()
    }
    while sum > 0xffff { sum = sum >> 16 + sum & 0xffff }
    return UInt16(sum)
}

func bigEndian(_ value: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: value.bigEndian) { Array($0) }
}

/// A TCP or UDP packet as values, from which its bytes are built the slow way.
struct ModelPacket: Equatable {
    var isIPv6 = false
    var isTCP = true
    var source: UInt8 = 1
    var destination: UInt8 = 2
    var sourcePort: UInt16 = 1000
    var destinationPort: UInt16 = 2000
    var trafficClass: UInt8 = 0
    var hopLimit: UInt8 = 64
    var identification: UInt16 = 7
    /// The three flags and the offset of IPv4.
    var fragment: UInt16 = 0x4000
    var flowLabel: UInt32 = 0
    var sequence: UInt32 = 100
    var acknowledgement: UInt32 = 5000
    /// The reserved bits as well.
    var flags: UInt16 = 0x10
    var window: UInt16 = 500
    var urgentPointer: UInt16 = 0
    /// A multiple of four.
    var networkOptions: [UInt8] = []
    /// Extension headers of IPv6, of which the first has this number and the last names the transport.
    var extensionHeader: UInt8 = 60
    var extensionHeaders: [UInt8] = []
    /// Where the pseudo-header's destination isn't the one in the header.
    var finalDestination: UInt8?
    /// A multiple of four.
    var options: [UInt8] = []
    var payload: [UInt8] = []

    var networkLength: Int { isIPv6 ? 40 + extensionHeaders.count : 20 + networkOptions.count }
    var headerLength: Int { networkLength + (isTCP ? 20 + options.count : 8) }
    var transport: UInt8 { isTCP ? 6 : 17 }

    /// The whole packet with right checksums.
    var bytes: [UInt8] { build(checksum: nil) }

    /// The whole packet with the folded pseudo-header sum in place of the transport checksum.
    var superPacketBytes: [UInt8] { build(checksum: slowSum(pseudoHeader)) }

    /// The virtio header of a super-packet with segments of `size`.
    func header(segmentSize size: Int) -> VirtioHeader {
        var header = VirtioHeader()
        header.flags = 1
        header.segmentationType = isTCP ? (isIPv6 ? 4 : 1) : 5
        header.headerLength = UInt16(headerLength)
        header.segmentSize = UInt16(size)
        header.checksumStart = UInt16(networkLength)
        header.checksumOffset = isTCP ? 16 : 6
        return header
    }

    /// The packets that a super-packet with segments of `size` stands for.
    func segments(of size: Int) -> [ModelPacket] {
        let starts = payload.isEmpty ? [0] : Array(stride(from: 0, to: payload.count, by: size))
        return starts.enumerated().map { index, start in
            var segment = self
            segment.payload = Array(payload[start..<min(start + size, payload.count)])
            if !isIPv6 { segment.identification = identification &+ UInt16(index) }
            if isTCP {
                segment.sequence = sequence &+ UInt32(start)
                if index > 0 { segment.flags &= ~0x80 }
                if index < starts.count - 1 { segment.flags &= ~0x09 }
            }
            return segment
        }
    }

    private func address(_ last: UInt8) -> [UInt8] {
        isIPv6 ? [0x20, 1, 0xd, 0xb8] + [UInt8](repeating: 0, count: 11) + [last] : [10, 0, 0, last]
    }

    private var transportLength: Int { headerLength - networkLength + payload.count }

    private var pseudoHeader: [UInt8] {
        address(source) + address(finalDestination ?? destination) + bigEndian(UInt32(transportLength))
            + [0, 0, 0, transport]
    }

    private func build(checksum: UInt16?) -> [UInt8] {
        var body = bigEndian(sourcePort) + bigEndian(destinationPort)
        if isTCP {
            let offset = UInt16(5 + options.count / 4) << 12
            body += bigEndian(sequence) + bigEndian(acknowledgement) + bigEndian(offset | flags) + bigEndian(window)
            body += [0, 0] + bigEndian(urgentPointer) + options
        } else {
            body += bigEndian(UInt16(8 + payload.count)) + [0, 0]
        }
        body += payload
        var field = checksum ?? ~slowSum(pseudoHeader + body)
        if checksum == nil, !isTCP, field == 0 { field = 0xffff }
        body.replaceSubrange((isTCP ? 16 : 6)..<(isTCP ? 18 : 8), with: bigEndian(field))
        if isIPv6 {
            let word = UInt32(6) << 28 | UInt32(trafficClass) << 20 | flowLabel
            let next = extensionHeaders.isEmpty ? transport : extensionHeader
            return bigEndian(word) + bigEndian(UInt16(extensionHeaders.count + body.count)) + [next, hopLimit]
                + address(source) + address(destination) + extensionHeaders + body
        }
        var network = [0x45 + UInt8(networkOptions.count / 4), trafficClass]
        network += bigEndian(UInt16(networkLength + body.count)) + bigEndian(identification) + bigEndian(fragment)
        network += [hopLimit, transport, 0, 0] + address(source) + address(destination) + networkOptions
        network.replaceSubrange(10..<12, with: bigEndian(~slowSum(network)))
        return network + body
    }
}

extension ModelPacket {
    /// A super-packet with a payload of up to `limit` bytes, and a size for its segments.
    static func random(using random: inout PacketRandom, limit: Int) -> (ModelPacket, segmentSize: Int) {
        var packet = ModelPacket()
        packet.isIPv6 = Bool.random(using: &random)
        packet.isTCP = Bool.random(using: &random)
        packet.source = UInt8.random(in: 1...254, using: &random)
        packet.sourcePort = UInt16.random(in: 1...65535, using: &random)
        packet.trafficClass = UInt8.random(in: 0...255, using: &random)
        packet.identification = UInt16.random(in: 0...65535, using: &random)
        packet.fragment = Bool.random(using: &random) ? 0x4000 : 0
        packet.flowLabel = UInt32.random(in: 0..<(1 << 20), using: &random)
        packet.sequence = UInt32.random(in: 0 ... .max, using: &random)
        packet.acknowledgement = UInt32.random(in: 0 ... .max, using: &random)
        packet.window = UInt16.random(in: 0...65535, using: &random)
        packet.flags = Bool.random(using: &random) ? 0x10 : 0x18
        if packet.isTCP { packet.options = random.bytes(4 * random.below(11)) }
        packet.payload = random.bytes(random.below(limit) + 1)
        return (packet, random.below(packet.payload.count + 20) / (random.below(12) + 1) + 1)
    }
}
