import NoisePrimitives
import Obfuscation
import TestKit
import Testing
import Tunnel
import Wire

/// Two devices that speak each dialect, over good and bad links.
@Suite("Dialects between two devices")
struct DialectExchangeTests {
    @Test("Packets of all sizes arrive both ways, through renewals of the session", arguments: SampleDialect.allCases)
    func everythingArrives(_ sample: SampleDialect) {
        let pair = DialectPair(sample.dialect)
        for round in 0..<3 {
            pair.forget()
            var sent: [[[UInt8]]] = [[], []]
            for length in stride(from: 28, through: 1380, by: 13 + round) {
                for (side, host) in [pair.alice, pair.bob].enumerated() where host === pair.alice || round > 0 {
                    pair.send(from: host, length)
                    sent[side].append(pair.packet(from: host, length))
                }
                pair.run(0.05)
            }
            #expect(pair.bob.delivered == sent[0])
            #expect(pair.alice.delivered == sent[1])
            pair.run(130)
        }
        #expect(pair.alice.drops == 0 && pair.bob.drops - pair.bob.shared.drops[.notWireGuard] == 0)
        // What bob can't make sense of are alice's junk packets.
        #expect((pair.bob.shared.drops[.notWireGuard] > 0) == sample.rawValue.hasPrefix("amneziaWG"))
    }

    @Test("Nobody who listens sees WireGuard or a fixed type", arguments: SampleDialect.hidden)
    func nothingToSee(_ sample: SampleDialect) {
        let pair = DialectPair(sample.dialect)
        for _ in 0..<40 {
            pair.send(from: pair.alice, 500)
            pair.run(0.2)
            pair.send(from: pair.bob, 100)
            pair.run(10)
        }
        let seen = pair.network.eavesdropper.sightings
        #expect(pair.bob.delivered.count == 40 && pair.alice.delivered.count == 40)
        #expect(seen.count > 80)
        #expect(seen.allSatisfy { $0.kind == nil && $0.datagram.trafficClass == 0 })
        #expect(!pair.network.eavesdropper.canRead(Array("nightjarnightjar".utf8)))
    }

    @Test("A bad link costs packets, never more", arguments: SampleDialect.allCases, [1, 2] as [UInt64])
    func badLink(_ sample: SampleDialect, seed: UInt64) {
        let pair = DialectPair(sample.dialect, seed: seed)
        pair.network.link.loss = 0.1
        pair.network.link.duplication = 0.1
        pair.network.link.corruption = 0.05
        pair.network.link.jitter = .milliseconds(200)
        let random = SeededRandom(seed: seed)
        pair.network.interceptor = { datagram in
            var datagram = datagram
            if random.chance(0.03), !datagram.payload.isEmpty {
                datagram.payload.removeLast(1 + Int(random.below(UInt64(datagram.payload.count))))
            }
            return datagram
        }
        for number in 0..<600 {
            pair.send(from: pair.alice, filling: "a\(number).")
            pair.send(from: pair.bob, filling: "b\(number).")
            pair.run(0.3)
        }
        pair.run(20)
        for (host, other, prefix) in [(pair.bob, pair.alice, "a"), (pair.alice, pair.bob, "b")] {
            let sent = Set((0..<600).map { pair.packet(from: other, filling: "\(prefix)\($0).") })
            #expect(host.delivered.count > 350)
            #expect(Set(host.delivered).count == host.delivered.count)
            #expect(Set(host.delivered).isSubset(of: sent))
        }
        pair.network.link = SimulatedLink(seed: seed)
        pair.network.interceptor = nil
        pair.forget()
        pair.send(from: pair.alice)
        pair.run(20)
        #expect(pair.bob.delivered == [pair.packet(from: pair.alice)])
    }

    @Test("Both sides may call", arguments: SampleDialect.allCases)
    func bothCall(_ sample: SampleDialect) {
        let pair = DialectPair(sample.dialect, bothCall: true)
        pair.send(from: pair.alice)
        pair.send(from: pair.bob)
        pair.run(15)
        #expect(pair.bob.delivered.count == 1 && pair.alice.delivered.count == 1)
    }

    @Test("Two sides that speak differently stay silent, and say why", arguments: SampleDialect.allCases)
    func mismatch(_ sample: SampleDialect) {
        for other in SampleDialect.allCases where other != sample {
            // `warp` takes what has no client's id, and either form of wg-obfuscator the other's.
            let isSame =
                (sample.isVisible && (other.isVisible || other == .warp)
                    || sample.rawValue.hasPrefix("wgO") && other.rawValue.hasPrefix("wgO"))
            guard !isSame else { continue }
            let pair = DialectPair(sample.dialect, bobs: other.dialect)
            pair.send(from: pair.alice)
            pair.run(12)
            #expect(pair.bob.delivered.isEmpty, "\(sample) to \(other)")
            let answers = pair.network.eavesdropper.sightings.filter { $0.datagram.source == pair.bob.endpoint }
            #expect(answers.isEmpty, "\(sample) to \(other)")
            #expect(pair.bob.drops >= 2, "\(sample) to \(other)")
        }
    }

    @Test("A disguise is changed in the middle of a session", arguments: SampleDialect.allCases)
    func change(_ sample: SampleDialect) {
        let pair = DialectPair(.plain)
        for dialect in [sample.dialect, .lwo, .plain] {
            pair.speak(pair.alice, dialect, with: pair.bob, isPeerServer: true)
            pair.speak(pair.bob, dialect, with: pair.alice, isPeerServer: false)
            pair.forget()
            for _ in 0..<4 {
                pair.send(from: pair.alice, 400)
                pair.run(40)
                pair.send(from: pair.bob, 400)
                pair.run(40)
            }
            #expect(pair.bob.delivered.count == 4 && pair.alice.delivered.count == 4)
        }
    }

    @Test("One device speaks them all at once, each with its own peer")
    func allAtOnce() {
        let network = SimulatedNetwork(seed: 3)
        let random = SeededRandom(seed: 3)
        func host(_ number: Int) -> SimulatedHost {
            SimulatedHost(
                privateKey: random.secret(), endpoint: Endpoint(IPAddress("192.0.2.\(number)")!, port: 1000),
                mtu: 1380, random: SeededRandom(seed: UInt64(number)), now: network.now)
        }
        // Two with the same bytes before the same dialect differ by their sessions alone.
        let samples = SampleDialect.allCases.filter { !$0.rawValue.hasPrefix("amneziaWG") || $0 == .amneziaWG3 }
        let server = host(200)
        network.attach(server)
        var clients: [SimulatedHost] = []
        var conversations: [SimulatedHost.Conversation] = []
        for (number, sample) in samples.enumerated() {
            let client = host(number + 1)
            clients.append(client)
            network.attach(client)
            for (one, other, inside) in [
                (client, server, "10.0.0.200/32"), (server, client, "10.0.0.\(number + 1)/32"),
            ] {
                var peer = PeerChange(other.publicKey)
                peer.allowedIPs = [.add(Prefix(inside)!)]
                if one === client { peer.endpoint = other.endpoint }
                var change = DeviceChange()
                change.peers = [peer]
                network.change(one) { $0.apply(change, now: network.now) }
            }
            client.speak([.init(sample.dialect, with: server.publicKey, isPeerServer: true)], now: network.now)
            conversations.append(.init(sample.dialect, with: client.publicKey, isPeerServer: false))
        }
        server.speak(conversations, now: network.now)
        server.echoes = true
        for round in 1...5 {
            for (number, client) in clients.enumerated() {
                let source = IPAddress("10.0.0.\(number + 1)")!
                network.send(SamplePacket.udp(from: source, to: IPAddress("10.0.0.200")!, length: 300), from: client)
            }
            network.run(for: .seconds(60))
            for (sample, client) in zip(samples, clients) {
                #expect(client.delivered.count == round, "\(sample)")
            }
            // Everybody moves.
            for client in clients { client.endpoint.port += 1 }
        }
        #expect(server.shared.drops[.wrongDialect] == 0)
    }
}
