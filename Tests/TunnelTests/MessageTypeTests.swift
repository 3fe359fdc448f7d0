import NoisePrimitives
import Synchronization
import TestKit
import Testing
import Wire

@testable import Tunnel

/// Handshakes of a dialect whose first four bytes are its own, also to the MACs. Obfuscation §1.3.
@Suite("Types of messages")
struct MessageTypeTests {
    /// Changes nothing but the type.
    private final class Typed: Disguise {
        let dialect = 1

        func messageType(of kind: Message.Kind, random: any RandomSource) -> UInt32 { 0xaabb_cc00 | kind.rawValue }
        func conceal(_ run: DataRun, random: inout KeystreamGenerator) {}

        func encode(
            _ handshake: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer, at now: Moment,
            random: inout KeystreamGenerator
        ) -> Int {
            output.copyMemory(from: handshake)
            return handshake.count
        }
    }

    /// A device on its own, and what it sends.
    private struct Host {
        let device: Device
        let publicKey: PublicKey
        let endpoint: Endpoint

        init(_ number: UInt64, now: Moment) {
            let random = SeededRandom(seed: number)
            device = Device(shared: DeviceShared(mtu: 1420) {}, random: random)
            var change = DeviceChange()
            change.privateKey = random.secret()
            device.apply(change, now: now)
            device.up(now: now)
            publicKey = device.identity!.publicKey
            endpoint = MessageTypeTests.address(ofPort: UInt16(number))
        }

        func add(_ other: Host, now: Moment) {
            device.apply(other.publicKey, now: now) { $0.endpoint = other.endpoint }
            device.peers[other.publicKey]!.path.withLock { $0.disguise = Typed() }
        }

        func take(_ bytes: [UInt8], from other: Host, waiting: Int = 0, now: Moment) {
            let arrival = Arrival(dialect: plainDialect, replyDisguise: Typed(), length: bytes.count)
            bytes.withUnsafeBytes {
                device.handleHandshake(
                    $0, from: other.endpoint, via: nil, arrival: arrival, waiting: waiting, now: now)
            }
        }

        func call(_ other: Host, now: Moment) -> [UInt8] {
            device.sendInitiation(to: device.peers[other.publicKey]!, isRetry: false, now: now)
            return device.pollTransmit()!.bytes
        }
    }

    private static func address(ofPort port: UInt16) -> Endpoint { endpoint("192.0.2.1", port) }

    private func moment(_ second: UInt64) -> Moment {
        Moment(
            instant: Instant(nanoseconds: second * 1_000_000_000),
            wall: WallTime(seconds: 1_800_000_000 + Int64(second), nanoseconds: 0))
    }

    private func isMAC1Right(_ message: [UInt8], for receiver: Host) -> Bool {
        message.withUnsafeBytes { MACKeys(of: receiver.publicKey).mac1(of: $0).withUnsafeBytes { Array($0) } }
            == Array(message.dropLast(16).suffix(16))
    }

    @Test func coveredByBothMACsAndByTheCookie() throws {
        let alice = Host(1, now: moment(0))
        let bob = Host(2, now: moment(0))
        alice.add(bob, now: moment(0))
        bob.add(alice, now: moment(0))

        let first = alice.call(bob, now: moment(1))
        #expect(Array(first.prefix(4)) == [1, 0xcc, 0xbb, 0xaa])
        #expect(isMAC1Right(first, for: bob))
        bob.take(first, from: alice, waiting: Limits.underLoadQueue, now: moment(1))
        let cookie = try #require(bob.device.pollTransmit()).bytes
        #expect(cookie.count == Message.CookieReply.size)
        #expect(bob.device.pollTransmit() == nil)

        alice.take(cookie, from: bob, now: moment(1))
        #expect(alice.device.shared.drops[.cookieReplyUndecryptable] == 0)
        let second = alice.call(bob, now: moment(7))
        #expect(isMAC1Right(second, for: bob))
        #expect(second.suffix(16) != first.suffix(16))
        bob.take(second, from: alice, waiting: Limits.underLoadQueue, now: moment(7))
        let response = try #require(bob.device.pollTransmit()).bytes
        #expect(Array(response.prefix(4)) == [2, 0xcc, 0xbb, 0xaa])
        #expect(isMAC1Right(response, for: alice))

        alice.take(response, from: bob, now: moment(7))
        #expect(alice.device.peers[bob.publicKey]!.slots.current != nil)
    }

    @Test func anotherTypeThanTheMACsCoverIsRefused() {
        let alice = Host(1, now: moment(0))
        let bob = Host(2, now: moment(0))
        alice.add(bob, now: moment(0))
        bob.add(alice, now: moment(0))
        var initiation = alice.call(bob, now: moment(1))
        initiation[1] ^= 1
        bob.take(initiation, from: alice, now: moment(1))
        #expect(bob.device.shared.drops[.wrongMAC1] == 1)
        bob.take(Array(initiation.dropLast()), from: alice, now: moment(1))
        #expect(bob.device.shared.drops[.notWireGuard] == 1)
    }
}
