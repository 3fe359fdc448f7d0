package import NoisePrimitives
package import Tunnel
import Wire

extension Device.Transmit {
    /// What leaves for this, in order: the message in its disguise, before it what the disguise puts before an initiation.
    ///
    /// - Returns: nothing when the message can't be sent in its disguise.
    package func datagrams(at now: Moment, random: inout KeystreamGenerator) -> [[UInt8]] {
        guard let disguise else { return [bytes] }
        guard let message = kind == .data ? data(disguise, &random) : handshake(disguise, at: now, &random) else {
            return []
        }
        return kind == .initiation ? disguise.prelude(at: now, random: &random) + [message] : [message]
    }

    private func handshake(
        _ disguise: any Disguise, at now: Moment, _ random: inout KeystreamGenerator
    ) -> [UInt8]? {
        var result = [UInt8](repeating: 0, count: DisguiseLimits.datagram)
        let length = bytes.withUnsafeBytes { message in
            result.withUnsafeMutableBytes { disguise.encode(message, into: $0, at: now, random: &random) }
        }
        guard length > 0 else { return nil }
        result.removeSubrange(length...)
        return result
    }

    private func data(_ disguise: any Disguise, _ random: inout KeystreamGenerator) -> [UInt8]? {
        let content = bytes.count - Message.Data.overhead
        let form = disguise.headerForm
        let layout = disguise.layout(ofSealed: content, draw: random.next())
        guard content >= 0, layout.isPossible(for: content, form) else { return nil }
        return bytes.withUnsafeBytes { sealed in
            let start = sealed.baseAddress.unsafelyUnwrapped
            let counter = start.littleEndian64(at: Message.Data.counter)
            guard form == .whole || counter < DataHeader.compactCounters else { return nil }
            var result = [UInt8](repeating: 0, count: layout.total)
            result.withUnsafeMutableBytes { output in
                let body = output.baseAddress.unsafelyUnwrapped + layout.prefix
                body.copyMemory(from: start + Message.Data.headerSize, byteCount: content + Message.tagSize)
                DataHeader.store(
                    form, receiver: start.littleEndian32(at: Message.Data.receiver), counter: counter,
                    suffix: layout.suffix, before: body)
                disguise.conceal(
                    DataRun(
                        start: output.baseAddress.unsafelyUnwrapped, length: layout.total, stride: layout.total,
                        prefix: layout.prefix, position: 0),
                    random: &random)
            }
            return result
        }
    }
}

extension DataLayout {
    /// Whether a packet of `length` bytes fits into it, and it into a datagram.
    package func isPossible(for length: Int, _ form: DataHeader.Form) -> Bool {
        content >= length && prefix >= form.size && suffix >= 0 && suffix <= (form == .whole ? 65_535 : 255)
            && total <= Self.maximumTotal
    }

    /// The most bytes that a datagram over IPv6 has.
    private static var maximumTotal: Int { 65_487 }
}
