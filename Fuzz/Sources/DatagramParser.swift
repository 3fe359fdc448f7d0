import TestKit
import Wire

@testable import Tunnel

/// Datagrams that come to a device with a live session: arbitrary ones, ones that name a live session, and data messages
/// with right tags around arbitrary packets and under arbitrary counters.
final class DatagramParser: FuzzedParser {
    let share = 10
    let longestInput = 2048

    private var world = World()
    private var runs = 0

    private enum Mode: UInt8 {
        case asIs, namesSession, sealed, sealedWithCounter
    }

    private enum Counter {
        case next
        /// So far from the next one.
        case ahead(Int16)
        case exactly(UInt64)
    }

    func run(_ input: inout Input) {
        runs += 1
        if runs.isMultiple(of: 50_000) { world = World() }
        let mode = Mode(rawValue: input.byte() & 3).unsafelyUnwrapped
        world.pass(input.byte())
        let source = World.endpoint(input.byte())
        switch mode {
        case .asIs:
            receiveStrange(Array(input.all()), from: source)
        case .namesSession:
            var bytes = Array(input.all())
            let session = world.friendlySession()
            _ = world.host.takeOutbox()
            if bytes.count >= 12 {
                // Where a response has its receiver, or else data and cookie replies.
                let offset = bytes[0] == 2 ? Message.Response.receiver : Message.Data.receiver
                bytes.replaceSubrange(offset..<offset + 4, with: littleEndian(session.remoteIndex))
            }
            receiveStrange(bytes, from: source)
        case .sealed:
            receiveSealed(input.all(), counter: .next, from: source)
        case .sealedWithCounter:
            let counter: Counter =
                input.byte() == 0xff ? .exactly(input.number(UInt64.self)) : .ahead(input.number(Int16.self))
            receiveSealed(input.all(), counter: counter, from: source)
        }
        world.settle()
    }

    /// A datagram by somebody who has no keys.
    private func receiveStrange(_ bytes: [UInt8], from source: Endpoint) {
        let host = world.host
        let (accepted, drops) = (world.acceptedBytes, host.drops)
        _ = host.takeOutbox()
        host.receive(Datagram(source: source, destination: host.endpoint, payload: bytes), now: world.now)
        // The corpus may hold what the friend once sent.
        guard world.acceptedBytes == accepted else { return }
        require(host.drops == drops + 1, "what isn't accepted is counted once")
        require(host.takeOutbox().isEmpty, "strangers get no answer")
    }

    /// A datagram by the friend, who may send any packet.
    private func receiveSealed(_ packet: UnsafeRawBufferPointer, counter: Counter, from source: Endpoint) {
        let session = world.friendlySession()
        _ = world.host.takeOutbox()
        guard let next = session.reserve(1) else { return }
        var reserved = next
        switch counter {
        case .next:
            break
        case .ahead(let distance):
            reserved = next &+ UInt64(truncatingIfNeeded: distance)
            session.setCounter(max(reserved, next) &+ 1)
        case .exactly(let value):
            reserved = value
            // The replay window takes little from this session any more.
            session.setCounter(Limits.rejectAfterMessages)
        }
        let message = ExactBuffer(count: packet.count + Message.Data.overhead)
        UnsafeMutableRawBufferPointer(rebasing: message.bytes[Message.Data.headerSize...]).copyBytes(from: packet)
        session.seal(message.start, length: packet.count, counter: reserved)
        let drops = world.host.drops
        world.host.receive(
            Datagram(source: source, destination: world.host.endpoint, payload: Array(message.bytes)), now: world.now)
        let isDropped = world.host.drops == drops + 1
        // Disguises make keepalives longer, with zeros.
        if packet.first ?? 0 == 0 {
            require(world.host.delivered.isEmpty, "a keepalive holds no packet")
        } else {
            require(isDropped != (world.host.delivered.count == 1), "a packet is delivered or counted as dropped")
        }
    }

    var samples: [[UInt8]] {
        let packet4 = SamplePacket.udp(from: .v4(IPv4Address(0x0a00_0001)), to: .v4(IPv4Address(0x0a00_0002)))
        let packet6 = SamplePacket.udp(
            from: .v6(IPv6Address(high: 0x2001_0db8_0000_0000, low: 1)),
            to: .v6(IPv6Address(high: 0x2001_0db8_0000_0000, low: 2)))
        let sizes = [
            Message.Initiation.size, Message.Response.size, Message.CookieReply.size, Message.Data.overhead, 1452,
        ]
        let inside: [[UInt8]] = [packet4, packet4 + [0, 0, 0, 0], packet6, Array(packet6.dropLast()), [], [0x45]]
        let counters: [UInt64] = [0, 1, 8000, 1 << 40, Limits.rejectAfterMessages - 1, .max]
        let distances: [Int16] = [-1, -8127, -8129, 1, 64, .max]
        var samples: [[UInt8]] = []
        for (index, size) in sizes.enumerated() {
            let message: [UInt8] = [UInt8(min(index + 1, 4)), 0, 0, 0] + [UInt8](repeating: 9, count: size - 4)
            samples.append([Mode.asIs.rawValue, 1, 2] + message)
            samples.append([Mode.namesSession.rawValue, 1, 3] + message)
        }
        for packet in inside { samples.append([Mode.sealed.rawValue, 1, 4] + packet) }
        for counter in counters {
            samples.append([Mode.sealedWithCounter.rawValue, 1, 5, 0xff] + littleEndian(counter) + packet4)
        }
        for distance in distances {
            samples.append([Mode.sealedWithCounter.rawValue, 1, 5, 0] + littleEndian(distance) + packet4)
        }
        return samples
    }
}
