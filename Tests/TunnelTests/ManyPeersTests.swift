import NoisePrimitives
import Synchronization
import TestKit
import Testing
import Wire

@testable import Tunnel

/// What a device with many peers may not do: everything at once.
@Suite("Many peers")
struct ManyPeersTests {
    private let now = SimulatedClock().now
    private let shared: DeviceShared
    private let device: Device
    private let keys: [PublicKey]
    private let rings: Rings

    private final class Rings: Sendable {
        let count = Atomic<Int>(0)
    }

    /// A device with 200 peers, that is down.
    init() {
        let rings = Rings()
        self.rings = rings
        shared = DeviceShared(mtu: 1420) { rings.count.wrappingAdd(1, ordering: .relaxed) }
        let random = SeededRandom(seed: 1)
        device = Device(shared: shared, random: random)
        keys = (0..<200).map { _ in X25519.publicKey(of: random.secret()) }
        var change = DeviceChange()
        change.privateKey = random.secret()
        change.peers = keys.map { key in
            var peer = PeerChange(key)
            peer.endpoint = endpoint("192.0.2.9", 9)
            peer.persistentKeepalive = 25
            return peer
        }
        device.apply(change, now: now)
    }

    private func sent() -> Int {
        var count = 0
        while device.pollTransmit() != nil { count += 1 }
        return count
    }

    @Test("Persistent keepalive of all begins when the interface comes up, some peers per turn")
    func keepalives() {
        device.up(now: now)
        var turns: [Int] = []
        while let deadline = device.nextDeadline, deadline <= now.instant {
            device.handleTimeout(now: now)
            turns.append(sent())
        }
        #expect(turns == [64, 64, 64, 8])
    }

    @Test("Signals of all are served in turns, each asked for")
    func signals() {
        device.up(now: now)
        for key in keys { shared.signals.raise(.initiationWanted, for: device.peers[key]!) }
        #expect(rings.count.exchange(0, ordering: .relaxed) == 1)
        var turns: [Int] = []
        repeat {
            device.handleSignals(now: now)
            turns.append(sent())
        } while rings.count.exchange(0, ordering: .relaxed) > 0
        #expect(turns == [64, 64, 64, 8])
    }

    @Test("A peer that raises another signal while it waits for its turn is served once, with both")
    func raisedAgain() {
        device.up(now: now)
        for key in keys { shared.signals.raise(.timerArmed, for: device.peers[key]!) }
        device.handleSignals(now: now)
        #expect(sent() == 0)
        shared.signals.raise(.initiationWanted, for: device.peers[keys[199]]!)
        #expect(rings.count.exchange(0, ordering: .relaxed) == 2)
        for _ in 0..<3 { device.handleSignals(now: now) }
        #expect(sent() == 1)
        #expect(rings.count.load(ordering: .relaxed) == 2)
    }

    @Test("The secret shared with a peer is computed for its first handshake, and anew for another key")
    func sharedSecrets() throws {
        #expect(device.peers.values.allSatisfy { $0.handshake.staticShared == nil })
        device.up(now: now)
        device.handleTimeout(now: now)
        let peer = try #require(device.peers[keys[0]])
        let first = try #require(peer.handshake.staticShared)
        #expect(device.peers.values.count { $0.handshake.staticShared != nil } == 64)
        var change = DeviceChange()
        change.privateKey = SeededRandom(seed: 2).secret()
        device.apply(change, now: now)
        #expect(device.peers.values.allSatisfy { $0.handshake.staticShared == nil })
        device.sendInitiation(to: peer, isRetry: false, now: now)
        #expect(try !#require(peer.handshake.staticShared).equals(first))
    }

    @Test("Changes to peers that are there need no room")
    func room() {
        var known = PeerChange(keys[0])
        var change = DeviceChange()
        // A failed expectation would print a million peers, so it is given the answers alone.
        var answers: [Bool] = []
        change.peers = Array(repeating: known, count: Limits.peers)
        answers.append(device.hasRoom(for: change))
        change.replacesPeers = true
        answers.append(device.hasRoom(for: change))
        change.peers.append(known)
        answers.append(device.hasRoom(for: change))
        known.removes = true
        change.peers[0] = known
        answers.append(device.hasRoom(for: change))
        #expect(answers == [true, true, false, true])
    }
}
