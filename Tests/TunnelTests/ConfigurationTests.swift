import NoisePrimitives
import Synchronization
import TestKit
import Testing
import Wire

@testable import Tunnel

/// Changes to a device that runs. Protocol §6, §13, §14.
@Suite("Configuration")
struct ConfigurationTests {
    @Test("A new preshared key leaves the session and counts from the next handshake on")
    func presharedKeyChange() {
        let pair = Pair()
        pair.establish()
        let session = pair.bobAtAlice.slots.current
        let presharedKey = SeededRandom(seed: 5).secret()
        pair.change(pair.alice, peer: pair.bob) { $0.presharedKey = presharedKey }
        pair.sendFromAlice()
        pair.run(1)
        #expect(pair.bob.delivered.count == 1)
        #expect(pair.bobAtAlice.slots.current == session)
        pair.run(200)
        pair.sendFromAlice()
        pair.run(1)
        #expect(pair.bob.delivered.count == 1)
        #expect(pair.alice.shared.drops[.responseUndecryptable] == 1)
        pair.change(pair.bob, peer: pair.alice) { $0.presharedKey = presharedKey }
        pair.run(6)
        #expect(pair.bob.delivered.count == 2)
    }

    @Test("A new private key ends sending on old sessions, while receiving goes on")
    func privateKeyChange() {
        let pair = Pair()
        pair.establish()
        let session = pair.bobAtAlice.currentKeypair!
        let privateKey = SeededRandom(seed: 5).secret()
        var change = DeviceChange()
        change.privateKey = privateKey
        pair.network.change(pair.alice) { $0.apply(change, now: pair.network.now) }
        #expect(!session.canSend(at: pair.network.now.instant))
        pair.sendFromBob()
        pair.run(0.1)
        #expect(pair.alice.delivered.count == 1)
        // Under its new key alice is a stranger to bob, until he is told.
        pair.sendFromAlice()
        pair.run(0.1)
        #expect(pair.count(.initiation, from: pair.alice) == 1)
        #expect(pair.bob.shared.drops[.initiationFromUnknownKey] == 1)
        #expect(pair.seen.packets(from: pair.alice.endpoint).isEmpty)
        let newKey = X25519.publicKey(of: privateKey)
        pair.network.change(pair.bob) { device in
            device.apply(newKey, now: pair.network.now) { $0.allowedIPs = [.add(prefix("10.0.0.1/32"))] }
        }
        pair.run(6)
        #expect(pair.bob.delivered == [Pair.request()])
        #expect(pair.bob.peer(newKey)?.endpoint == pair.alice.endpoint)
    }

    @Test("The same private key again changes nothing, not even a handshake under way")
    func samePrivateKey() {
        let pair = Pair()
        var change = DeviceChange()
        change.privateKey = pair.alice.device.identity?.privateKey
        pair.sendFromAlice()
        pair.network.change(pair.alice) { $0.apply(change, now: pair.network.now) }
        pair.run(1)
        #expect(pair.bob.delivered.count == 1)
        let session = pair.bobAtAlice.slots.current
        pair.network.change(pair.alice) { $0.apply(change, now: pair.network.now) }
        pair.sendFromAlice()
        pair.run(1)
        #expect(pair.bobAtAlice.slots.current == session)
        #expect(pair.seen.all(.initiation).count == 1)
    }

    @Test("A private key set during a handshake drops it and lets the next go at once")
    func privateKeyDuringHandshake() {
        let pair = Pair()
        let privateKey = SeededRandom(seed: 5).secret()
        pair.network.change(pair.bob) { device in
            device.apply(X25519.publicKey(of: privateKey), now: pair.network.now) {
                $0.allowedIPs = [.add(prefix("10.0.0.1/32"))]
            }
        }
        pair.sendFromAlice()
        var change = DeviceChange()
        change.privateKey = privateKey
        pair.network.change(pair.alice) { $0.apply(change, now: pair.network.now) }
        #expect(pair.alice.shared.indices.count == 0)
        pair.sendFromAlice()
        pair.run(1)
        #expect(pair.count(.initiation, from: pair.alice) == 2)
        #expect(pair.bob.delivered.count == 2)
        #expect(pair.alice.shared.drops[.wrongMAC1] == 1)
    }

    @Test("A prefix that another peer takes goes over to it, in status too")
    func allowedIPMoves() {
        let pair = Pair()
        let other = PublicKey(SeededRandom(seed: 5).bytes32())
        func change(_ key: PublicKey, _ body: (inout PeerChange) -> Void) {
            pair.network.change(pair.alice) { $0.apply(key, now: pair.network.now, body) }
        }
        func allowed() -> [[Prefix]] { pair.alice.device.status().peers.map(\.allowedIPs) }
        change(pair.bob.publicKey) {
            $0.allowedIPs = ["10.1.0.0/16", "fd00::/64", "0.0.0.0/0"].map { .add(prefix($0)) }
        }
        #expect(allowed() == [["10.0.0.2/32", "10.1.0.0/16", "fd00::/64", "0.0.0.0/0"].map { prefix($0) }])
        change(other) { $0.allowedIPs = [.add(prefix("10.1.2.3/16")), .add(prefix("::/0"))] }
        #expect(
            allowed() == [
                ["10.0.0.2/32", "fd00::/64", "0.0.0.0/0"].map { prefix($0) },
                ["10.1.0.0/16", "::/0"].map { prefix($0) },
            ])
        func owner(_ text: String) -> PublicKey? { pair.alice.shared.routes.peer(for: address(text))?.publicKey }
        #expect(owner("10.1.9.9") == other)
        #expect(owner("10.2.0.1") == pair.bob.publicKey)
        #expect(owner("fd00::5") == pair.bob.publicKey)
        #expect(owner("fd01::5") == other)
        // Only its owner can give a prefix up.
        change(pair.bob.publicKey) { $0.allowedIPs = [.remove(prefix("10.1.0.0/16")), .remove(prefix("0.0.0.0/0"))] }
        #expect(owner("10.1.9.9") == other)
        #expect(owner("10.2.0.1") == nil)
        change(other) { $0.replacesAllowedIPs = true }
        #expect(allowed() == [["10.0.0.2/32", "fd00::/64"].map { prefix($0) }, []])
        #expect(owner("10.1.9.9") == nil)
        change(other) {
            $0.replacesAllowedIPs = true
            $0.allowedIPs = [.add(prefix("10.0.0.0/8"))]
        }
        change(other) { $0.removes = true }
        #expect(owner("10.7.0.1") == nil)
        #expect(owner("10.0.0.2") == pair.bob.publicKey)
    }

    @Test("Lanes notice a change of routes by its version")
    func routeVersion() {
        let pair = Pair()
        let before = pair.alice.shared.routes.version.load(ordering: .acquiring)
        pair.change(pair.alice, peer: pair.bob) { $0.allowedIPs = [.add(prefix("10.1.0.0/16"))] }
        let added = pair.alice.shared.routes.version.load(ordering: .acquiring)
        pair.change(pair.alice, peer: pair.bob) { $0.replacesAllowedIPs = true }
        #expect(before < added)
        #expect(added < pair.alice.shared.routes.version.load(ordering: .acquiring))
    }

    @Test("An update alone makes no peer; removing an unknown one does nothing")
    func updateOnly() {
        let pair = Pair()
        let other = PublicKey(SeededRandom(seed: 5).bytes32())
        pair.network.change(pair.alice) { device in
            device.apply(other, now: pair.network.now) { peer in
                peer.updatesOnly = true
                peer.allowedIPs = [.add(prefix("10.0.0.2/32"))]
            }
            device.apply(other, now: pair.network.now) { $0.removes = true }
        }
        #expect(pair.alice.device.peers.count == 1)
        pair.change(pair.alice, peer: pair.bob) { peer in
            peer.updatesOnly = true
            peer.persistentKeepalive = 7
        }
        #expect(pair.alice.device.status().peers[0].persistentKeepalive == 7)
        pair.sendFromAlice()
        pair.run(1)
        #expect(pair.bob.delivered.count == 1)
    }

    @Test("Replacing the peers ends all sessions, also of a peer that stays")
    func replacesPeers() {
        let pair = Pair()
        pair.establish()
        var change = DeviceChange()
        change.replacesPeers = true
        var peer = PeerChange(pair.bob.publicKey)
        peer.endpoint = pair.bob.endpoint
        peer.allowedIPs = [.add(prefix("10.0.0.0/24"))]
        change.peers = [peer]
        #expect(pair.alice.device.hasRoom(for: change))
        pair.network.change(pair.alice) { $0.apply(change, now: pair.network.now) }
        #expect(pair.alice.shared.indices.count == 0)
        #expect(pair.alice.device.status().peers.map(\.allowedIPs) == [[prefix("10.0.0.0/24")]])
        pair.run(5)
        pair.sendFromAlice()
        pair.run(1)
        #expect(pair.bob.delivered.count == 1)
        #expect(pair.count(.initiation, from: pair.alice) == 1)
    }

    @Test("Down ends everything at once, and up starts afresh")
    func downAndUp() {
        let pair = Pair()
        pair.establish()
        pair.change(pair.alice, peer: pair.bob) { $0.persistentKeepalive = 25 }
        pair.network.change(pair.alice) { $0.down() }
        #expect(pair.alice.shared.indices.count == 0)
        #expect(!pair.alice.shared.isUp)
        pair.seen.forget()
        pair.sendFromAlice()
        pair.sendFromBob()
        pair.run(300)
        #expect(pair.seen.sightings.allSatisfy { $0.datagram.source == pair.bob.endpoint })
        // Alice's packet and bob's twenty initiations.
        #expect(pair.alice.shared.drops[.interfaceDown] == 21)
        #expect(pair.alice.delivered.isEmpty)
        pair.forget()
        pair.network.change(pair.alice) { $0.up(now: pair.network.now) }
        pair.run(0)
        #expect(pair.seen.sightings.map(\.kind) == [.initiation])
        pair.run(1)
        #expect(pair.seen.sightings.map(\.kind) == [.initiation, .response, .data])
        #expect(pair.aliceAtBob.currentKeypair != nil)
    }

    @Test("Going down drops what waits, counted, and the handshake")
    func downDuringHandshake() {
        let pair = Pair()
        pair.sendFromAlice()
        pair.sendFromAlice()
        pair.network.change(pair.alice) { $0.down() }
        #expect(pair.alice.shared.drops[.interfaceDown] == 2)
        #expect(pair.alice.shared.indices.count == 0)
        pair.run(30)
        #expect(pair.count(.initiation, from: pair.alice) == 1)
        // The response finds nobody, and neither does an initiation.
        #expect(pair.alice.shared.drops[.interfaceDown] == 3)
        pair.run(5)
        pair.sendFromBob()
        pair.run(1)
        #expect(pair.count(.initiation, from: pair.bob) == 1)
        #expect(pair.alice.shared.drops[.interfaceDown] == 4)
        #expect(pair.alice.shared.drops[.initiationFromUnknownKey] == 0)
        pair.change(pair.bob, peer: pair.alice) { $0.removes = true }
        pair.change(pair.bob, peer: pair.alice) { $0.allowedIPs = [.add(prefix("10.0.0.1/32"))] }
        pair.network.change(pair.alice) { $0.up(now: pair.network.now) }
        pair.run(30)
        #expect(pair.count(.initiation, from: pair.alice) == 1)
        pair.sendFromAlice()
        pair.run(1)
        #expect(pair.bob.delivered.count == 1)
    }

    @Test("What waits for a peer that is taken away is counted as having no peer")
    func removalDuringHandshake() {
        let pair = Pair()
        pair.sendFromAlice()
        pair.change(pair.alice, peer: pair.bob) { $0.removes = true }
        #expect(pair.alice.shared.drops[.noPeerForDestination] == 1)
        #expect(pair.alice.shared.drops[.interfaceDown] == 0)
    }

    @Test("The wall clock may jump both ways without any effect on sessions")
    func wallClockJumps() {
        let pair = Pair()
        pair.bob.echoes = true
        for round in 0..<600 {
            if round.isMultiple(of: 37) {
                pair.network.shiftWall(bySeconds: round.isMultiple(of: 2) ? 1_000_000 : -2_000_000)
            }
            pair.sendFromAlice()
            pair.run(1)
        }
        #expect(pair.alice.delivered.count == 600)
        #expect(pair.seen.all(.initiation).count == 5)
    }

    @Test("Peers that come and go leave no timers behind")
    func churn() {
        let pair = Pair()
        let random = SeededRandom(seed: 3)
        for _ in 0..<500 {
            let key = X25519.publicKey(of: random.secret())
            pair.network.change(pair.alice) { device in
                device.apply(key, now: pair.network.now) { peer in
                    peer.endpoint = endpoint("192.0.2.9", 9)
                    peer.persistentKeepalive = 65_535
                    peer.allowedIPs = [.add(prefix("10.5.0.0/16"))]
                }
                device.apply(key, now: pair.network.now) { $0.removes = true }
            }
            pair.run(0.1)
        }
        #expect(pair.alice.shared.indices.count == 0)
        #expect(pair.alice.device.timers.count <= 66)
        #expect(pair.alice.device.peers.count == 1)
    }
}
