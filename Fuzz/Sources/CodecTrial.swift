import NoisePrimitives
import Obfuscation
import TestKit
import Tunnel
import Wire

/// A disguise and the codec that takes it off, with what holds for every pair of them.
final class CodecTrial {
    private let disguise: any Disguise
    private let codec: any InboundCodec
    private let isGenuine: Bool
    /// Bytes for a packet, the greatest number of them that every path carries.
    private let mtu: Int
    private let random = SeededRandom(seed: 1)
    private var generator: KeystreamGenerator
    private var now = Moment(
        instant: Instant(nanoseconds: 1 << 40), wall: WallTime(seconds: 1_800_000_000, nanoseconds: 0))

    /// Nil when the dialect lacks something.
    init?(_ dialect: Dialect, from client: PublicKey, to server: PublicKey, toServer: Bool, isGenuine: Bool) {
        let (sender, receiver) = toServer ? (client, server) : (server, client)
        let outward = CodecKeys(own: sender, peer: receiver, isPeerServer: toServer)
        let inward = CodecKeys(own: receiver, peer: toServer ? nil : sender, isPeerServer: !toServer)
        guard let disguise = dialect.disguise(number: 1, keys: outward),
            let codec = dialect.inboundCodec(
                number: 1, keys: inward, replays: ReplayGuard(floor: 0), random: random)
        else { return nil }
        self.disguise = disguise
        self.codec = codec
        self.isGenuine = isGenuine
        mtu = dialect.interfaceMTU(pathMTU: 1280, isIPv6: true)
        generator = KeystreamGenerator(seededBy: random)
    }

    // MARK: What comes

    /// A run of anything.
    func receive(stride: Int, _ bytes: [UInt8]) {
        guard !bytes.isEmpty else { return }
        let stride = stride == 0 ? bytes.count : min(stride, bytes.count)
        let memory = ExactBuffer(bytes)
        let first = UnsafeRawBufferPointer(rebasing: memory.readable[..<stride])
        _ = find(in: first) { [isGenuine] _ in isGenuine }
        guard let receiver = codec.receiver(of: first) else { return }
        require(memory.readable.elementsEqual(bytes), "who is asked for a receiver changes nothing")
        _ = reveal(memory, stride: stride, receiver: receiver)
    }

    private func find(
        in datagram: UnsafeRawBufferPointer, isGenuine: (UnsafeRawBufferPointer) -> Bool
    ) -> HandshakeFinding {
        let output = ExactBuffer(count: DisguiseLimits.datagram)
        let finding = codec.handshake(in: datagram, into: output.bytes, at: now) { message in
            require(message.count <= DisguiseLimits.datagram && message.count >= 64, "a message has a sound length")
            return isGenuine(message)
        }
        switch finding {
        case .message(let length, let hint):
            require(length <= output.bytes.count, "a message fits")
            disguise.noticed(hint: hint, length: datagram.count)
        case .answer(let length):
            let endpoint = Endpoint(.v6(IPv6Address(high: 1, low: 2)), port: 3)
            let complete = codec.complete(output.bytes, length: length, for: endpoint)
            require(complete <= 2 * datagram.count && complete <= output.bytes.count, "an answer isn't much longer")
        case .none, .ignored, .refused: break
        }
        return finding
    }

    private func reveal(_ memory: ExactBuffer, stride: Int, receiver: UInt32) -> (run: RevealedRun, bytes: Int) {
        let count = (memory.bytes.count + stride - 1) / stride
        let messages = UnsafeMutablePointer<DataMessage>.allocate(capacity: count)
        defer { messages.deallocate() }
        let run = codec.reveal(
            ReceivedRun(start: memory.start, length: memory.bytes.count, stride: stride), receiver: receiver,
            into: messages)
        require((1...count).contains(run.datagrams), "a datagram with a receiver is looked at")
        require((0...run.datagrams).contains(run.messages), "a datagram has one message at most")
        var bytes = 0
        for index in 0..<run.messages {
            let message = messages[index]
            let offset = message.body - memory.start
            require(
                offset >= 0 && message.length >= Message.tagSize && offset + message.length <= memory.bytes.count,
                "a message is in the run")
            bytes += message.length
        }
        disguise.noticed(hint: run.hint, length: stride)
        return (run, bytes)
    }

    // MARK: What is made first

    /// A kind, a time to wait, where to change the datagram and how, and how much of it to leave out.
    func handshake(_ input: inout Input) {
        let kind = [Message.Kind.initiation, .response, .cookieReply][Int(input.byte() % 3)]
        now.wall.seconds += Int64(input.byte() & 7)
        let size =
            switch kind {
            case .initiation: Message.Initiation.size
            case .response: Message.Response.size
            case .cookieReply, .data: Message.CookieReply.size
            }
        let type = kind == .cookieReply ? kind.rawValue : disguise.messageType(of: kind, random: random)
        let message = ExactBuffer(littleEndian(type) + random.bytes(size - 4))
        let output = ExactBuffer(count: DisguiseLimits.datagram)
        let length = disguise.encode(message.readable, into: output.bytes, at: now, random: &generator)
        require(length >= size && length <= DisguiseLimits.datagram, "a handshake becomes a datagram")
        var datagram = Array(output.bytes[..<length])
        let isChanged = change(&datagram, &input)
        let memory = ExactBuffer(datagram)
        let finding = find(in: memory.readable) { [isGenuine] found in
            isGenuine && found.count == size && found[4...].elementsEqual(message.readable[4...])
        }
        if case .message(let count, _) = finding {
            require(count == size, "a handshake comes back")
        } else {
            require(isChanged || !isGenuine, "a handshake is found")
        }
    }

    /// How many packets, two lengths, what to change, and by how much the stride is wrong.
    func data(_ input: inout Input) {
        let count = Int(input.byte() & 15) + 1
        let length = min(mtu, Int(input.byte()) * 5)
        let last = min(length, Int(input.byte()) * 5)
        let draw = input.number(UInt16.self)
        let form = disguise.layout(ofPacket: length, mtu: mtu, draw: UInt64(draw) << 48)
        var end = disguise.layout(ofPacket: last, mtu: mtu, draw: UInt64(draw) << 48)
        if end.total > form.total { end = form }
        var bytes: [UInt8] = []
        for index in 0..<count {
            let layout = index == count - 1 ? end : form
            require(layout.total - layout.content - Message.tagSize <= DisguiseLimits.overhead, "a layout is limited")
            var slot = random.bytes(layout.total)
            slot.withUnsafeMutableBytes { slot in
                // Safe: a layout has room for a header and a tag.
                DataHeader.store(
                    disguise.headerForm, receiver: 5, counter: UInt64(index), suffix: layout.suffix,
                    before: slot.baseAddress.unsafelyUnwrapped + layout.prefix)
            }
            bytes += slot
        }
        let memory = ExactBuffer(bytes)
        disguise.conceal(
            DataRun(
                start: memory.start, length: bytes.count, stride: form.total, prefix: form.prefix, position: count),
            random: &generator)
        var changed = Array(memory.bytes)
        let isChanged = change(&changed, &input)
        let difference = Int(input.byte())
        let stride = max(1, form.total - difference)
        guard isChanged || difference != 0 else {
            let (run, sum) = reveal(ExactBuffer(changed), stride: stride, receiver: 5)
            require(run.datagrams == count && run.messages == count, "all data comes back")
            require(
                sum == (form.content + 16) * (count - 1) + end.content + 16, "as much comes back as there was")
            return
        }
        receive(stride: stride, changed)
    }

    func prelude() {
        for datagram in disguise.prelude(at: now, random: &generator) {
            require(datagram.count <= 65_507, "a datagram fits into UDP")
            guard !datagram.isEmpty else { continue }
            let memory = ExactBuffer(datagram)
            _ = find(in: memory.readable) { [isGenuine] _ in isGenuine }
        }
    }

    /// Whether the bytes aren't what they were.
    private func change(_ bytes: inout [UInt8], _ input: inout Input) -> Bool {
        let mask = input.byte()
        let place = Int(input.number(UInt16.self)) % bytes.count
        guard mask != 0 else { return false }
        if mask == 1 {
            bytes.removeLast(min(place, bytes.count - 1))
            return place > 0
        }
        bytes[place] ^= mask
        return true
    }
}
