import LinuxNet
import NoisePrimitives
import Obfuscation
import TestKit
import Testing
import Tunnel
import Wire

@testable import Datapath

/// What a lane sends in disguise, over real sockets, and taken apart as a lane does.
@Suite("Outbox in disguise")
struct DisguisedOutboxTests {
    private let drops = DropCounters()

    /// A packet that came out of the tunnel, with the counter that it came under.
    private struct Arrived: Equatable {
        let counter: UInt64
        let packet: [UInt8]
    }

    @Test("Batches of any lengths arrive whole and in order", arguments: SampleDialect.allCases, [true, false])
    func everythingArrives(_ sample: SampleDialect, segmentation: Bool) throws {
        let pair = DialectPair(sample.dialect, bothCall: true)
        pair.send(from: pair.alice)
        pair.run(1)
        let receiver = try UDPSocketPair.bind(port: 0)
        var options = UDPSocket.Options()
        options.segmentation = segmentation
        let sockets = try UDPSocketPair.bind(port: 0, options: options)
        pair.network.change(pair.alice) { device in
            var peer = PeerChange(pair.bob.publicKey)
            peer.endpoint = Endpoint(IPAddress("127.0.0.1")!, port: receiver.port)
            var change = DeviceChange()
            change.peers = [peer]
            device.apply(change, now: pair.network.now)
        }
        let peer = try #require(pair.alice.peer(pair.bob.publicKey))
        let grant = try #require(peer.sendGrant(at: pair.network.now.instant))
        let random = SeededRandom(seed: 1)
        var outbox = Outbox(seed: random.secret())
        for round in 0..<6 {
            // Runs of equal ones with a shorter end, as super-packets make them, and single ones.
            var lengths: [Int] = []
            while lengths.count < 100 {
                let length = 20 + Int(random.below(1361))
                lengths += Array(repeating: length, count: 1 + Int(random.below(20)))
                if random.chance(0.7) { lengths.append(20 + Int(random.below(UInt64(length - 19)))) }
            }
            let first = try #require(grant.keypair.reserve(lengths.count))
            var sent: [Arrived] = []
            for (index, length) in lengths.enumerated() {
                let packet = [0x45] + random.bytes(length - 1)
                let counter = first + UInt64(index)
                commit(packet, counter, grant, peer, to: &outbox, sockets, pair.network.now.instant)
                sent.append(Arrived(counter: counter, packet: packet))
            }
            outbox.flush(on: sockets, drops: drops, now: pair.network.now.instant)
            let received = try receive(sent.count, on: #require(receiver.v4), pair)
            // Padding stays behind each packet.
            let isSame = zip(received, sent).allSatisfy {
                $0.counter == $1.counter && $0.packet.starts(with: $1.packet)
                    && $0.packet[$1.packet.count...].allSatisfy { $0 == 0 }
            }
            #expect(isSame && received.count == sent.count, "\(sample), round \(round)")
        }
        #expect(drops[.sendFailed] == 0)
    }

    /// Does as a lane does.
    private func commit(
        _ packet: [UInt8], _ counter: UInt64, _ grant: SendGrant, _ peer: Peer, to outbox: inout Outbox,
        _ sockets: UDPSocketPair, _ now: Instant
    ) {
        func head(_ outbox: inout Outbox) {
            outbox.head(for: peer, with: grant, trafficClass: 0, isSegmentable: true, now: now)
        }
        head(&outbox)
        let disguise = grant.disguise ?? PlainDisguise()
        let layout = disguise.layout(ofPacket: packet.count, mtu: 1380, draw: outbox.draw)
        #expect(layout.isPossible(for: packet.count, disguise.headerForm))
        if !outbox.hasRoom(for: layout.total) {
            outbox.flush(on: sockets, drops: drops, now: now)
            head(&outbox)
        }
        let body = outbox.slot + layout.prefix
        UnsafeMutableRawBufferPointer(start: body, count: packet.count).copyBytes(from: packet)
        (body + packet.count).initializeMemory(as: UInt8.self, repeating: 0, count: layout.content - packet.count)
        grant.keypair.seal(body: body, length: layout.content, counter: counter)
        DataHeader.store(
            disguise.headerForm, receiver: grant.keypair.remoteIndex, counter: counter, suffix: layout.suffix,
            before: body)
        outbox.commit(length: layout.total, prefix: layout.prefix, now: now)
    }

    private func receive(_ count: Int, on socket: UDPSocket, _ pair: DialectPair) throws -> [Arrived] {
        var batch = try ReceiveBatch()
        var arrived: [Arrived] = []
        let disguises = InboundDisguises(try #require(pair.bob.dialects))
        while arrived.count < count {
            guard case .messages(let messages) = batch.receive(from: socket) else { break }
            for index in 0..<messages {
                let bytes = batch[index].bytes
                let stride = batch[index].segmentSize > 0 ? batch[index].segmentSize : bytes.count
                var offset = 0
                while offset < bytes.count {
                    let run = ReceivedRun(
                        start: bytes.baseAddress! + offset, length: bytes.count - offset, stride: stride)
                    let datagram = UnsafeRawBufferPointer(start: run.start, count: min(stride, run.length))
                    let (codec, keypair) = try #require(find(datagram, disguises.table, pair.bob))
                    let revealed = disguises.reveal(run, of: keypair.localIndex, in: codec)
                    #expect(revealed.datagrams == revealed.messages)
                    for number in 0..<revealed.messages {
                        let message = disguises.messages[number]
                        #expect(keypair.open(body: message.body, length: message.length, counter: message.counter))
                        let plaintext = UnsafeRawBufferPointer(
                            start: message.body, count: message.length - Message.tagSize)
                        arrived.append(Arrived(counter: message.counter, packet: Array(plaintext)))
                    }
                    offset += revealed.datagrams * stride
                }
            }
        }
        return arrived
    }

    private func find(
        _ datagram: UnsafeRawBufferPointer, _ table: DialectTable, _ host: SimulatedHost
    ) -> (any InboundCodec, Keypair)? {
        for codec in table.codecs {
            guard let receiver = codec.receiver(of: datagram), let keypair = host.shared.indices.session(receiver)
            else { continue }
            return (codec, keypair)
        }
        return nil
    }
}
