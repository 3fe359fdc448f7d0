import NoisePrimitives
import Synchronization
import Tunnel
import Wire

/// The datagrams that go before an initiation: special packets, then junk. Obfuscation §1.7.
final class AmneziaWGPrelude: Sendable {
    private let specialPackets: [SpecialPacket]
    private let junkCount: Int
    private let junkSizes: ClosedRange<UInt32>
    /// How many special packets were sent, from a random number on; nil before the first.
    private let counter = Mutex<UInt32?>(nil)

    init(_ settings: AmneziaWGSettings) {
        // Those that can't be parsed don't pass the check of the settings.
        specialPackets = settings.specialPackets.compactMap { try? SpecialPacket($0) }.filter { $0.size > 0 }
        junkCount = settings.junkMaximum == 0 ? 0 : Int(settings.junkCount)
        let least = UInt32(max(settings.junkMinimum, 1))
        junkSizes = least...max(least, UInt32(settings.junkMaximum))
    }

    func datagrams(at now: Moment, random: inout KeystreamGenerator) -> [[UInt8]] {
        guard !specialPackets.isEmpty || junkCount > 0 else { return [] }
        var result: [[UInt8]] = []
        result.reserveCapacity(specialPackets.count + junkCount)
        for packet in specialPackets {
            let first = UInt32(truncatingIfNeeded: random.next())
            let number = counter.withLock { counter in
                let number = counter ?? first
                counter = number &+ 1
                return number
            }
            result.append(packet.bytes(at: now.wall, counter: number, random: &random))
        }
        for _ in 0..<junkCount {
            var junk = [UInt8](repeating: 0, count: Int(random.number(in: junkSizes)))
            random.fill(&junk)
            result.append(junk)
        }
        return result
    }
}

extension KeystreamGenerator {
    /// Overwrites every byte of `bytes`.
    mutating func fill(_ bytes: inout [UInt8]) {
        bytes.withUnsafeMutableBytes { bytes in
            guard let start = bytes.baseAddress else { return }
            fill(start, count: bytes.count)
        }
    }
}
