package import NoisePrimitives
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
            if Message.kind(of: UnsafeRawBufferPointer(bytes)) == .data {
                if let refusal = open(bytes, from: datagram.source, via: source, now: now) {
                    shared.drops.count(refusal)
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
        let length = paddedLength(packet.count, mtu: shared.mtu)
        var datagram = [UInt8](repeating: 0, count: length + Message.Data.overhead)
        datagram.withUnsafeMutableBytes { slot in
            slot[Message.Data.headerSize...].copyBytes(from: packet)
            grant.keypair.seal(slot.baseAddress!, length: length, counter: counter)
        }
        post(datagram, to: grant.endpoint, trafficClass: ecn.encapsulated.rawValue)
        peer.sent(.data, bytes: datagram.count, on: grant.keypair, at: now)
    }

    private func open(
        _ datagram: UnsafeMutableRawBufferPointer, from endpoint: Endpoint, via source: SourceAddress?, now: Moment
    ) -> DropReason? {
        let slot = datagram.baseAddress!
        let index = UnsafeRawPointer(slot).littleEndian32(at: Message.Data.receiver)
        guard let keypair = shared.indices.session(index) else { return .unknownSession }
        guard keypair.canReceive(at: now.instant) else { return .sessionExpired }
        guard let counter = keypair.open(slot, length: datagram.count) else { return .undecryptable }
        guard keypair.withReplayWindow({ $0.accept(counter) }) else { return .replayed }

        let plaintext = UnsafeRawBufferPointer(
            rebasing: datagram[Message.Data.headerSize..<datagram.count - Message.tagSize])
        let verdict = judge(plaintext, from: keypair.peer)
        keypair.peer.received(
            plaintext.isEmpty ? .keepalive : .data, bytes: verdict.refusal == nil ? datagram.count : 0, on: keypair,
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

    /// The packet inside `plaintext` without its padding, if `peer` may send it. Protocol §7 and §13.
    private func judge(
        _ plaintext: UnsafeRawBufferPointer, from peer: Peer
    ) -> (packet: [UInt8]?, refusal: DropReason?) {
        if plaintext.isEmpty { return (nil, nil) }
        guard let packet = IPPacket(plaintext) else { return (nil, .innerPacketMalformed) }
        guard shared.routes.peer(for: packet.source) === peer else { return (nil, .sourceNotAllowed) }
        return (Array(plaintext[..<packet.length]), nil)
    }

    /// Lets the device look at what the lanes raised and takes out what it sends and reports.
    private func settle(now: Moment) {
        while controlBell.rung.exchange(false, ordering: .relaxed) { device.handleSignals(now: now) }
        while let transmit = device.pollTransmit() {
            post(transmit.bytes, to: transmit.endpoint, trafficClass: transmit.trafficClass)
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
