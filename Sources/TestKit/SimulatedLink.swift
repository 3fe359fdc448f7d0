import NoisePrimitives
package import Tunnel

/// What a network does to the datagrams it carries, the same each time for the same seed.
///
/// Probabilities are from 0 to 1.
package struct SimulatedLink {
    /// The least time from sender to receiver.
    package var latency = Instant.Span.milliseconds(10)
    /// What is added to the latency at random, so that datagrams overtake each other.
    package var jitter = Instant.Span(nanoseconds: 0)
    package var loss = 0.0
    package var duplication = 0.0
    /// The probability that one bit of a datagram flips.
    package var corruption = 0.0
    /// Bytes of the largest IP packet that gets through.
    package var mtu = 1500

    private let random: SeededRandom

    package init(seed: UInt64) {
        random = SeededRandom(seed: seed)
    }

    /// The copies of `datagram`, sent at `now`, that arrive, and when each does.
    func carry(_ datagram: Datagram, at now: Instant) -> [(arrival: Instant, datagram: Datagram)] {
        guard datagram.sizeOnWire <= mtu, !random.chance(loss) else { return [] }
        let copies = random.chance(duplication) ? 2 : 1
        return (0..<copies).map { _ in
            var copy = datagram
            if random.chance(corruption), !copy.payload.isEmpty {
                copy.payload[Int(random.below(UInt64(copy.payload.count)))] ^= 1 << UInt8(random.below(8))
            }
            let delay =
                jitter.nanoseconds == 0
                ? latency : latency + Instant.Span(nanoseconds: random.below(jitter.nanoseconds))
            return (now + delay, copy)
        }
    }
}
