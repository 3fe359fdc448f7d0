import NoisePrimitives
import Synchronization
import TestKit
import Testing
import Wire

@testable import Tunnel

/// Two hosts and what can be seen between them. Protocol §3, §7.
@Suite("Traffic of two hosts")
struct TrafficTests {
    @Test("First traffic makes exactly one handshake, of the sizes specified")
    func firstTraffic() {
        let pair = Pair(bobKnowsAlice: false)
        pair.bob.echoes = true
        pair.sendFromAlice()
        pair.run(1)
        #expect(pair.bob.delivered == [Pair.request()])
        #expect(pair.alice.delivered == [SamplePacket.reversed(Pair.request())])
        let sizes = pair.seen.sightings.map(\.datagram.payload.count)
        #expect(sizes == [148, 92, 128, 128])
        #expect(pair.seen.sightings.map(\.kind) == [.initiation, .response, .data, .data])
        #expect(pair.seen.sightings.map(\.datagram.trafficClass) == [0x88, 0x88, 0, 0])
        #expect(pair.alice.drops == 0 && pair.bob.drops == 0)
        #expect(pair.aliceAtBob.endpoint == pair.alice.endpoint)
    }

    @Test("Either side may begin")
    func otherRole() {
        let pair = Pair()
        pair.sendFromBob()
        pair.run(1)
        #expect(pair.alice.delivered == [Pair.answer()])
        #expect(pair.count(.initiation, from: pair.bob) == 1)
        #expect(pair.count(.response, from: pair.alice) == 1)
        pair.sendFromAlice()
        pair.run(1)
        #expect(pair.bob.delivered == [Pair.request()])
        #expect(pair.seen.all(.initiation).count == 1)
    }

    @Test("Packets that waited come in order, and none is a keepalive besides")
    func stagedInOrder() {
        let pair = Pair()
        for number in 0..<100 { pair.sendFromAlice(filling: "number \(number)") }
        pair.run(1)
        #expect(pair.bob.delivered == (0..<100).map { Pair.request(filling: "number \($0)") })
        #expect(pair.seen.keepalives().isEmpty)
    }

    @Test("More than 128 waiting packets push out the oldest, which is counted")
    func stagedOverflow() {
        let pair = Pair()
        for number in 0..<200 { pair.sendFromAlice(filling: "number \(number)") }
        pair.run(1)
        #expect(pair.bob.delivered == (72..<200).map { Pair.request(filling: "number \($0)") })
        #expect(pair.alice.shared.drops[.stagedOverflow] == 72)
    }

    @Test("Nothing inside can be read, and every length is a multiple of 16 up to the MTU")
    func nothingReadable() {
        let pair = Pair()
        pair.establish()
        let lengths = Array(stride(from: 28, through: 1420, by: 29)) + [1419, 1420]
        for length in lengths {
            pair.sendFromAlice(length, filling: "attack at dawn")
            pair.run(0.05)
        }
        #expect(pair.bob.delivered == lengths.map { Pair.request($0, filling: "attack at dawn") })
        for sighting in pair.seen.packets(from: pair.alice.endpoint) {
            let length = sighting.datagram.payload.count - 32
            #expect(length.isMultiple(of: 16) || length == 1420)
            #expect(length <= 1420)
        }
        #expect(!pair.seen.canRead(Array("attack at dawn".utf8)))
        #expect(!pair.seen.canRead([10, 0, 0, 2]))
        for key in [pair.alice.publicKey, pair.bob.publicKey] { #expect(!pair.seen.canRead(key.bytes.array)) }
    }

    @Test("IPv6 inside IPv6")
    func overIPv6() {
        let pair = Pair()
        pair.bob.endpoint = endpoint("2001:db8::2", 2222)
        pair.change(pair.alice, peer: pair.bob) { peer in
            peer.endpoint = pair.bob.endpoint
            peer.allowedIPs = [.add(prefix("fd00::2/128"))]
        }
        pair.change(pair.bob, peer: pair.alice) { $0.allowedIPs = [.add(prefix("fd00::1/128"))] }
        pair.alice.endpoint = endpoint("2001:db8::1", 1111)
        let packet = SamplePacket.udp(from: address("fd00::1"), to: address("fd00::2"), length: 1000)
        pair.network.send(packet, from: pair.alice)
        pair.run(1)
        #expect(pair.bob.delivered == [packet])
    }

    @Test("The same preshared key on both sides works, others don't")
    func presharedKeys() {
        let (one, other) = (SeededRandom(seed: 1).secret(), SeededRandom(seed: 2).secret())
        for (mine, yours, works) in [(one, one, true), (one, other, false), (one, .zero, false), (.zero, one, false)] {
            let pair = Pair(alicePresharedKey: mine, bobPresharedKey: yours)
            pair.sendFromAlice()
            pair.run(4)
            #expect(pair.bob.delivered.count == (works ? 1 : 0))
            #expect(pair.alice.shared.drops[.responseUndecryptable] == (works ? 0 : 1))
        }
    }

    @Test("Ten pings count as the kernel's test says")
    func byteCounters() {
        let pair = Pair()
        pair.bob.echoes = true
        for _ in 0..<10 {
            pair.sendFromAlice()
            pair.run(0.2)
        }
        func bytes(_ peer: Peer) -> [UInt64] {
            [peer.transmittedBytes.load(ordering: .relaxed), peer.receivedBytes.load(ordering: .relaxed)]
        }
        #expect(bytes(pair.aliceAtBob) == [1372, 1428])
        #expect(bytes(pair.bobAtAlice) == [1428, 1372])
        let status = pair.alice.device.status().peers[0]
        #expect(status.transmittedBytes == 1428 && status.receivedBytes == 1372)
        #expect(status.lastHandshake.seconds == 1_700_000_000)
        // The last answer is kept quiet about for ten seconds, then by a keepalive.
        pair.run(11)
        #expect(bytes(pair.bobAtAlice) == [1460, 1372])
    }

    @Test("Congestion bits are copied outside, but not the mark itself")
    func congestionBits() {
        let pair = Pair()
        pair.establish()
        for inner: UInt8 in [0xb8, 1, 2, 3] {
            pair.network.send(
                SamplePacket.udp(from: address("10.0.0.1"), to: address("10.0.0.2"), trafficClass: inner),
                from: pair.alice)
        }
        #expect(pair.seen.packets().map(\.datagram.trafficClass) == [0, 1, 2, 2])
    }

    @Test("A packet that no peer may get, or from a source that isn't the peer's, is dropped and counted")
    func cryptokeyRouting() {
        let pair = Pair()
        pair.establish()
        let (outside, forged) = (
            SamplePacket.udp(from: address("10.0.0.1"), to: address("10.0.0.3")),
            SamplePacket.udp(from: address("10.0.0.9"), to: address("10.0.0.2"))
        )
        pair.network.send(outside, from: pair.alice)
        pair.network.send(forged, from: pair.alice)
        pair.network.send([0x45, 0, 0], from: pair.alice)
        pair.network.send([UInt8](repeating: 0x55, count: 60), from: pair.alice)
        let before = pair.aliceAtBob.receivedBytes.load(ordering: .relaxed)
        pair.run(1)
        #expect(pair.alice.shared.drops[.noPeerForDestination] == 1)
        #expect(pair.alice.shared.drops[.outboundMalformed] == 2)
        #expect(pair.bob.shared.drops[.sourceNotAllowed] == 1)
        #expect(pair.bob.delivered.isEmpty)
        #expect(pair.aliceAtBob.receivedBytes.load(ordering: .relaxed) == before)
    }

    @Test("A less specific prefix doesn't allow a source that another peer has")
    func nestedSource() {
        let pair = Pair()
        pair.change(pair.bob, peer: pair.alice) { $0.allowedIPs = [.add(prefix("10.0.0.0/24"))] }
        let other = PublicKey(SeededRandom(seed: 5).bytes32())
        pair.network.change(pair.bob) { device in
            device.apply(other, now: pair.network.now) { $0.allowedIPs = [.add(prefix("10.0.0.9/32"))] }
        }
        for source in ["10.0.0.8", "10.0.0.9"] {
            pair.network.send(SamplePacket.udp(from: address(source), to: address("10.0.0.2")), from: pair.alice)
        }
        pair.run(1)
        #expect(pair.bob.delivered.count == 1)
        #expect(pair.bob.shared.drops[.sourceNotAllowed] == 1)
        pair.network.change(pair.bob) { device in
            device.apply(other, now: pair.network.now) { $0.removes = true }
        }
        pair.network.send(SamplePacket.udp(from: address("10.0.0.9"), to: address("10.0.0.2")), from: pair.alice)
        pair.run(1)
        #expect(pair.bob.delivered.count == 2)
    }

    @Test("The capture of a run is a file of whole packets")
    func capture() {
        let pair = Pair()
        pair.establish()
        pair.sendFromAlice()
        pair.sendFromAlice()
        let bytes = PcapWriter(pair.seen).bytes
        #expect(Array(bytes[..<4]) == [0x4d, 0x3c, 0xb2, 0xa1])
        #expect(bytes.count == 24 + 2 * (16 + 28 + 128))
        let packet = bytes[40..<40 + 156]
        packet.withUnsafeBytes { #expect(IPPacket($0)?.length == 156) }
        #expect(packet.withUnsafeBytes { Checksum.finish(Checksum.sum($0.baseAddress!, count: 20)) } == 0)
    }
}
