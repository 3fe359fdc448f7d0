package import NoisePrimitives
package import Tunnel
import Wire

/// WireGuard as it is.
package final class PlainDisguise: Disguise {
    package init() {}

    package var dialect: Int { plainDialect }
    package var marksTraffic: Bool { true }

    package func conceal(_ run: DataRun, random: inout KeystreamGenerator) {}

    package func encode(
        _ handshake: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer, at now: Moment,
        random: inout KeystreamGenerator
    ) -> Int {
        output.copyMemory(from: handshake)
        return handshake.count
    }
}

/// Takes WireGuard as it is. Whether a handshake message is genuine is left to the tunnel, which counts why it isn't.
package final class PlainInboundCodec: InboundCodec {
    package init() {}

    package var dialect: Int { plainDialect }
    package var replyDisguise: (any Disguise)? { PlainDisguise() }

    package func receiver(of datagram: UnsafeRawBufferPointer) -> UInt32? {
        guard Message.kind(of: datagram) == .data else { return nil }
        // Safe: a data message has a whole header.
        return datagram.baseAddress.unsafelyUnwrapped.littleEndian32(at: Message.Data.receiver)
    }

    package func reveal(
        _ run: ReceivedRun, receiver: UInt32, into messages: UnsafeMutablePointer<DataMessage>
    ) -> RevealedRun {
        var position = 0
        var count = 0
        while position < run.length {
            let length = min(run.stride, run.length - position)
            let slot = run.start + position
            guard self.receiver(of: UnsafeRawBufferPointer(start: slot, count: length)) == receiver else { break }
            (messages + count).initialize(
                to: DataMessage(
                    counter: UnsafeRawPointer(slot).littleEndian64(at: Message.Data.counter),
                    body: slot + Message.Data.headerSize, length: length - Message.Data.headerSize))
            count += 1
            position += length
        }
        return RevealedRun(datagrams: count, messages: count)
    }

    package func handshake(
        in datagram: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer, at now: Moment,
        isGenuine: (UnsafeRawBufferPointer) -> Bool
    ) -> HandshakeFinding {
        guard let kind = Message.kind(of: datagram), kind != .data else { return .none }
        output.copyMemory(from: datagram)
        return .message(datagram.count)
    }
}
