package import NoisePrimitives
package import Obfuscation
import Synchronization
package import Tunnel
package import Wire

/// A machine with one WireGuard device and no sockets: it drives the device and its peers through the same calls as
/// the running program, one packet at a time.
package final class SimulatedHost {
    package let device: Device
    package let shared: DeviceShared
    package let publicKey: PublicKey

    /// Where its socket is, as others see it: change it and the host has roamed.
    package var endpoint: Endpoint
    /// The handshake messages that it claims to have waiting.
    package var waitingHandshakes = 0
    /// Whether it sends every packet it gets back to where it came from.
    package var echoes = false

    /// Packets that came out of the tunnel, without padding.
    package private(set) var delivered: [[UInt8]] = []
    /// What the device reported.
    package private(set) var events: [Device.Event] = []
    /// What takes the disguises off; nil: everything comes as WireGuard has it.
    package var dialects: DialectTable?
    /// What the dialects found that can't be taken.
    package private(set) var findings: [HandshakeFinding] = []
    private var keystream: KeystreamGenerator
    private var outbox: [Datagram] = []
    private let controlBell: Bell

    /// A host whose interface is up, without peers.
    package init(
        privateKey: Secret32, endpoint: Endpoint, mtu: Int = 1420, random: any RandomSource, now: Moment
    ) {
        let bell = Bell()
        controlBell = bell
        shared = DeviceShared(mtu: mtu) { bell.rung.store(true, ordering: .relaxed) }
        device = Device(shared: shared, random: random)
        self.endpoint = endpoint
        publicKey = X25519.publicKey(of: privateKey)
        let seed = publicKey.bytes.withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) }
        keystream = KeystreamGenerator(seededBy: SeededRandom(seed: seed))
        var change = DeviceChange()
        change.privateKey = privateKey
        device.apply(change, now: now)
        device.up(now: now)
        settle(now: now)
    }

    /// The peer with this key.
    package func peer(_ publicKey: PublicKey) -> Peer? { device.peers[publicKey] }

    /// Forgets what was delivered and reported.
    package func forget() {
        delivered = []
        events = []
    }

    /// Changes the device, whatever the change is, and lets out what it sends.
    package func perform(now: Moment, _ body: (Device) -> Void) {
        body(device)
        settle(now: now)
    }

    /// Sends a packet of this machine into the tunnel.
    package func send(_ packet: [UInt8], now: Moment) {
        packet.withUnsafeBytes { bytes in
            if let refusal = send(bytes, at: now.instant) { shared.drops.count(refusal) }
        }
        settle(now: now)
    }

    /// Takes a datagram from the network, which came to `source` when that is given.
    package func receive(_ datagram: Datagram, via source: SourceAddress? = nil, now: Moment) {
        var payload = datagram.payload
        payload.withUnsafeMutableBytes { bytes in
            if let dialects {
                receive(bytes, in: dialects, from: datagram.source, via: source, now: now)
            } else if Message.kind(of: UnsafeRawBufferPointer(bytes)) == .data {
                let index = UnsafeRawPointer(bytes.baseAddress!).littleEndian32(at: Message.Data.receiver)
                let message = DataMessage(
                    counter: UnsafeRawPointer(bytes.baseAddress!).littleEndian64(at: Message.Data.counter),
                    body: bytes.baseAddress! + Message.Data.headerSize, length: bytes.count - Message.Data.headerSize)
                if let keypair = shared.indices.session(index) {
                    let refusal = open(
                        message, of: keypair, length: bytes.count, from: datagram.source, via: source, now: now)
                    if let refusal { shared.drops.count(refusal) }
                } else {
                    shared.drops.count(.unknownSession)
                }
            } else {
                device.handleHandshake(
                    UnsafeRawBufferPointer(bytes), from: datagram.source, via: source, waiting: waitingHandshakes,
                    now: now)
            }
        }
        settle(now: now)
    }

    /// Does what the device's timers are due for.
    package func handleTimeout(now: Moment) {
        device.handleTimeout(now: now)
        settle(now: now)
    }

    /// Takes the datagrams that wait to be sent.
    package func takeOutbox() -> [Datagram] {
        defer { outbox = [] }
        return outbox
    }

    /// The sum of all drop counters.
    package var drops: UInt64 {
        DropReason.allCases.reduce(0) { $0 + shared.drops[$1] }
    }

    private func send(_ packet: UnsafeRawBufferPointer, at now: Instant) -> DropReason? {
        guard shared.isUp else { return .interfaceDown }
        guard let view = IPPacket(packet) else { return .outboundMalformed }
        guard let peer = shared.routes.peer(for: view.destination) else { return .noPeerForDestination }
        while true {
            if let grant = peer.sendGrant(at: now), let counter = grant.keypair.reserve(1) {
                seal(packet, ecn: view.ecn, to: peer, with: grant, counter: counter, at: now)
                return nil
            }
            switch peer.stage(packet, at: now) {
            case .staged: return nil
            case .retry: continue
            case .refused(let reason): return reason
            }
        }
    }

    private func seal(
        _ packet: UnsafeRawBufferPointer, ecn: ECN, to peer: Peer, with grant: SendGrant, counter: UInt64,
        at now: Instant
    ) {
        let layout: DataLayout
        if let disguise = grant.disguise {
            layout = disguise.layout(ofPacket: packet.count, mtu: shared.mtu, draw: keystream.next())
            guard layout.isPossible(for: packet.count, disguise.headerForm) else {
                return shared.drops.count(.disguiseImpossible)
            }
        } else {
            let length = paddedLength(packet.count, mtu: shared.mtu)
            layout = DataLayout(prefix: Message.Data.headerSize, content: length, suffix: 0)
        }
        var datagram = [UInt8](repeating: 0, count: layout.total)
        datagram.withUnsafeMutableBytes { slot in
            let body = slot.baseAddress! + layout.prefix
            body.copyMemory(from: packet.baseAddress!, byteCount: packet.count)
            grant.keypair.seal(body: body, length: layout.content, counter: counter)
            DataHeader.store(
                grant.disguise?.headerForm ?? .whole, receiver: grant.keypair.remoteIndex, counter: counter,
                suffix: layout.suffix, before: body)
            grant.disguise?.conceal(
                DataRun(
                    start: slot.baseAddress!, length: layout.total, stride: layout.total, prefix: layout.prefix,
                    position: 0), random: &keystream)
        }
        let isMarked = grant.disguise?.marksTraffic ?? true
        post(datagram, to: grant.endpoint, trafficClass: isMarked ? ecn.encapsulated.rawValue : 0)
        peer.sent(.data, bytes: datagram.count, on: grant.keypair, at: now)
    }

    /// Takes a datagram whose dialect isn't known.
    private func receive(
        _ bytes: UnsafeMutableRawBufferPointer, in dialects: DialectTable, from endpoint: Endpoint,
        via source: SourceAddress?, now: Moment
    ) {
        guard let start = bytes.baseAddress else { return shared.drops.count(.notWireGuard) }
        let datagram = UnsafeRawBufferPointer(bytes)
        let known = dialects.server(at: endpoint)
        for codec in [known].compactMap({ $0 }) + dialects.codecs {
            guard let receiver = codec.receiver(of: datagram), let keypair = shared.indices.session(receiver),
                keypair.peer.dialect.load(ordering: .relaxed) == codec.dialect
            else { continue }
            return withUnsafeTemporaryAllocation(of: DataMessage.self, capacity: 1) { messages in
                let run = ReceivedRun(start: start, length: bytes.count, stride: bytes.count)
                let revealed = codec.reveal(run, receiver: receiver, into: messages.baseAddress!)
                guard revealed.messages == 1 else { return shared.drops.count(.undecryptable) }
                let refusal = open(
                    messages[0], of: keypair, length: bytes.count, from: endpoint, via: source, now: now)
                if let refusal { return shared.drops.count(refusal) }
                keypair.peer.noticed(hint: revealed.hint, length: bytes.count)
            }
        }
        withUnsafeTemporaryAllocation(byteCount: DisguiseLimits.datagram, alignment: 8) { output in
            let (finding, codec, alternatives) = dialects.handshake(
                in: datagram, known: known, into: output, at: now, indices: shared.indices)
            switch finding {
            case .message(let length, let hint):
                let arrival = Arrival(
                    dialect: codec!.dialect, alternatives: alternatives, replyDisguise: codec!.replyDisguise,
                    hint: hint, length: bytes.count)
                device.handleHandshake(
                    UnsafeRawBufferPointer(rebasing: output[..<length]), from: endpoint, via: source, arrival: arrival,
                    waiting: waitingHandshakes, now: now)
            case .answer(let length):
                post(Array(output[..<length]), to: endpoint, trafficClass: 0)
            case .refused(let reason): shared.drops.count(reason)
            case .none: shared.drops.count(.notWireGuard)
            case .ignored: break
            }
            findings.append(finding)
        }
    }

    private func open(
        _ message: DataMessage, of keypair: Keypair, length: Int, from endpoint: Endpoint, via source: SourceAddress?,
        now: Moment
    ) -> DropReason? {
        guard keypair.canReceive(at: now.instant) else { return .sessionExpired }
        guard keypair.open(body: message.body, length: message.length, counter: message.counter) else {
            return .undecryptable
        }
        guard keypair.withReplayWindow({ $0.accept(message.counter) }) else { return .replayed }

        let plaintext = UnsafeRawBufferPointer(start: message.body, count: message.length - Message.tagSize)
        let isKeepalive = plaintext.first ?? 0 == 0
        let verdict: (packet: [UInt8]?, refusal: DropReason?) =
            isKeepalive ? (nil, nil) : judge(plaintext, from: keypair.peer)
        keypair.peer.received(
            isKeepalive ? .keepalive : .data, bytes: verdict.refusal == nil ? length : 0, on: keypair,
            from: endpoint, via: source, at: now.instant)
        if let packet = verdict.packet {
            delivered.append(packet)
            if echoes {
                SamplePacket.reversed(packet).withUnsafeBytes { answer in
                    if let refusal = send(answer, at: now.instant) { shared.drops.count(refusal) }
                }
            }
        }
        return verdict.refusal
    }

    /// The packet inside `plaintext`, which isn't empty, without its padding, if `peer` may send it. Protocol §7 and §13.
    private func judge(
        _ plaintext: UnsafeRawBufferPointer, from peer: Peer
    ) -> (packet: [UInt8]?, refusal: DropReason?) {
        guard let packet = IPPacket(plaintext) else { return (nil, .innerPacketMalformed) }
        guard shared.routes.peer(for: packet.source) === peer else {
            peer.sentForeign(packet.source)
            return (nil, .sourceNotAllowed)
        }
        return (Array(plaintext[..<packet.length]), nil)
    }

    /// Lets the device look at what the lanes raised and takes out what it sends and reports.
    private func settle(now: Moment) {
        while controlBell.rung.exchange(false, ordering: .relaxed) { device.handleSignals(now: now) }
        while let transmit = device.pollTransmit() {
            let datagrams = transmit.datagrams(at: now, random: &keystream)
            if datagrams.isEmpty { shared.drops.count(.disguiseImpossible) }
            for payload in datagrams {
                post(payload, to: transmit.endpoint, trafficClass: transmit.trafficClass)
            }
        }
        while let event = device.pollEvent() { events.append(event) }
    }

    /// Whether the control thread was asked to look.
    private final class Bell: Sendable {
        let rung = Atomic<Bool>(false)
    }

    private func post(_ payload: [UInt8], to destination: Endpoint, trafficClass: UInt8) {
        outbox.append(
            Datagram(source: endpoint, destination: destination, payload: payload, trafficClass: trafficClass))
    }
}
