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

    mutating func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8.random(in: 0...255, using: &self) }
    }
}

/// The checksum as RFC 1071 defines it, a word at a time.
func slowChecksum(_ bytes: some Sequence<UInt8>) -> UInt16 {
    var sum: UInt32 = 0
    for (index, byte) in bytes.enumerated() {
        sum += index.isMultiple(of: 2) ? UInt32(byte) << 8 : UInt32(byte)
        if sum > 0xffff { sum -= 0xffff }
    }
    return ~UInt16(sum)
}

/// The bytes that hexadecimal digits spell; spaces are left out.
func hexBytes(_ text: String) -> [UInt8] {
    let digits = text.filter { !$0.isWhitespace }.map { UInt8($0.hexDigitValue!) }
    return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
}

/// An IPv4 packet with a right header checksum.
func packet4(
    source: [UInt8] = [10, 0, 0, 1], destination: [UInt8] = [10, 0, 0, 2], trafficClass: UInt8 = 0,
    fragment: UInt16 = 0, transport: UInt8 = 17, options: [UInt8] = [], payload: [UInt8]
) -> [UInt8] {
    let length = UInt16(20 + options.count + payload.count)
    var header: [UInt8] = [
        0x45 + UInt8(options.count / 4), trafficClass, UInt8(length >> 8), UInt8(length & 255), 0x12, 0x34,
        UInt8(fragment >> 8), UInt8(fragment & 255), 64, transport, 0, 0,
    ]
    header += source + destination + options
    let checksum = slowChecksum(header)
    header[10] = UInt8(checksum >> 8)
    header[11] = UInt8(checksum & 255)
    return header + payload
}

let address6A: [UInt8] = [0x20, 0x01, 0x0d, 0xb8] + [UInt8](repeating: 0, count: 11) + [1]
let address6B: [UInt8] = [0x20, 0x01, 0x0d, 0xb8] + [UInt8](repeating: 0, count: 11) + [2]

func packet6(
    source: [UInt8] = address6A, destination: [UInt8] = address6B, trafficClass: UInt8 = 0, nextHeader: UInt8 = 17,
    payload: [UInt8]
) -> [UInt8] {
    [0x60 | trafficClass >> 4, trafficClass << 4, 0, 0, UInt8(payload.count >> 8), UInt8(payload.count & 255)]
        + [nextHeader, 64] + source + destination + payload
}
