import Dispatch
import NoisePrimitives
import Synchronization
import TestKit
import Testing
import Wire

@testable import Tunnel

#if THREAD_SANITIZER
    private typealias Mutex<Value: ~Copyable> = Tunnel.Mutex<Value>
#endif

/// Lanes and the control thread at once. Most is found when this runs under the thread sanitizer.
@Suite("Threads")
struct ConcurrencyTests {
    @Test("Two lanes seal and open while the control thread changes keys, routes and peers")
    func lanesAndControl() {
        let pair = Pair()
        pair.establish()
        let (alice, bob) = (Lane(of: pair.alice), Lane(of: pair.bob))
        let (peer, now) = (pair.bobAtAlice, pair.network.now)
        let isDone = Atomic<Bool>(false)
        let sent = Atomic<Int>(0)
        let opened = Atomic<Int>(0)
        let counters = Mutex<Set<UInt64>>([])

        // Safe: the devices are touched by the control thread alone while the threads run.
        nonisolated(unsafe) let devices = (pair.alice.device, pair.bob.device)
        let (aliceKey, bobKey) = (pair.alice.publicKey, pair.bob.publicKey)
        let packet = Pair.request()
        DispatchQueue.concurrentPerform(iterations: 3) { thread in
            guard thread == 2 else {
                for round in 0..<3000 {
                    guard let message = alice.seal(packet, at: now.instant) else { continue }
                    sent.wrappingAdd(1, ordering: .relaxed)
                    let wasNew = counters.withLock { $0.insert(message.identity).inserted }
                    if !wasNew { Issue.record("a counter was used twice") }
                    if bob.open(message.bytes, at: now.instant) { opened.wrappingAdd(1, ordering: .relaxed) }
                    if round.isMultiple(of: 64) { peer.forgetSource() }
                }
                isDone.store(true, ordering: .relaxed)
                return
            }
            var step: UInt64 = 0
            while !isDone.load(ordering: .relaxed) {
                step += 1
                Self.change(devices.0, bobKey, step, now)
                Self.change(devices.1, aliceKey, step, now)
                _ = devices.0.status()
                for device in [devices.0, devices.1] {
                    device.handleSignals(now: now)
                    device.handleTimeout(now: now)
                    while device.pollTransmit() != nil {}
                    while device.pollEvent() != nil {}
                }
            }
        }
        #expect(sent.load(ordering: .relaxed) == 6000)
        #expect(opened.load(ordering: .relaxed) > 1000)
        #expect(peer.transmittedBytes.load(ordering: .relaxed) >= 6000 * 128)
        let replayed = pair.bob.shared.drops[.replayed]
        #expect(replayed == 0)
    }

    private static func change(_ device: Device, _ key: PublicKey, _ step: UInt64, _ now: Moment) {
        device.apply(key, now: now) { peer in
            peer.persistentKeepalive = step.isMultiple(of: 2) ? 25 : 0
            peer.presharedKey = step.isMultiple(of: 3) ? .zero : SeededRandom(seed: step).secret()
            peer.replacesAllowedIPs = step.isMultiple(of: 5)
            peer.allowedIPs = [.add(prefix("10.0.0.0/24")), .add(prefix("10.\(step % 200).0.0/16"))]
        }
        if step.isMultiple(of: 7) {
            device.sendInitiation(to: device.peers[key]!, isRetry: false, now: now)
        }
    }

    /// What a lane does, on the parts of a device that every thread may use.
    private struct Lane: Sendable {
        let shared: DeviceShared
        let peer: Peer
        let sender: Endpoint

        init(of host: SimulatedHost) {
            shared = host.shared
            peer = host.device.peers.values.first!
            sender = host.endpoint
        }

        func seal(_ packet: [UInt8], at now: Instant) -> (bytes: [UInt8], identity: UInt64)? {
            guard let grant = peer.sendGrant(at: now), let counter = grant.keypair.reserve(1) else {
                _ = packet.withUnsafeBytes { peer.stage($0, at: now) }
                return nil
            }
            let length = paddedLength(packet.count, mtu: shared.mtu)
            var slot = [UInt8](repeating: 0, count: 16) + packet
            slot += [UInt8](repeating: 0, count: 16 + length - packet.count)
            slot.withUnsafeMutableBytes { grant.keypair.seal($0.baseAddress!, length: length, counter: counter) }
            peer.sent(.data, bytes: slot.count, on: grant.keypair, at: now)
            return (slot, UInt64(grant.keypair.localIndex) << 32 | counter)
        }

        func open(_ datagram: [UInt8], at now: Instant) -> Bool {
            var datagram = datagram
            let length = datagram.count
            return datagram.withUnsafeMutableBytes { slot in
                let start = slot.baseAddress!
                let index = UnsafeRawPointer(start).littleEndian32(at: Message.Data.receiver)
                guard let keypair = shared.indices.session(index), keypair.canReceive(at: now),
                    let counter = keypair.open(start, length: length)
                else { return false }
                guard keypair.withReplayWindow({ $0.accept(counter) }) else {
                    shared.drops.count(.replayed)
                    return false
                }
                keypair.peer.received(
                    .data, bytes: length, on: keypair, from: endpoint("192.0.2.1", 1111), via: nil, at: now)
                guard let packet = IPPacket(UnsafeRawBufferPointer(rebasing: slot[16..<length - 16])) else {
                    return false
                }
                return shared.routes.peer(for: packet.source) === keypair.peer
            }
        }
    }
}
