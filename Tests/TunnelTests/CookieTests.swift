import NoisePrimitives
import Synchronization
import TestKit
import Testing
import Wire

@testable import Tunnel

/// Proof of address under load. Protocol §5.
@Suite("Cookies")
struct CookieTests {
    @Test("Under load the first initiation gets a cookie, and the next, five seconds later, the session")
    func wholeExchange() throws {
        let pair = Pair(bobKnowsAlice: false)
        pair.bob.waitingHandshakes = Limits.underLoadQueue
        pair.sendFromAlice()
        pair.run(4.9)
        #expect(pair.count(.initiation, from: pair.alice) == 1)
        #expect(pair.count(.cookieReply, from: pair.bob) == 1)
        #expect(pair.count(.response, from: pair.bob) == 0)
        #expect(pair.seen.all(.cookieReply)[0].datagram.payload.count == 64)
        #expect(pair.bob.shared.drops[.cookieRequired] == 1)
        // A cookie reply counts no bytes, moves no endpoint and makes no resend.
        #expect(pair.bobAtAlice.receivedBytes.load(ordering: .relaxed) == 0)
        #expect(pair.aliceAtBob.transmittedBytes.load(ordering: .relaxed) == 0)
        #expect(pair.aliceAtBob.endpoint == nil)
        pair.run(1)
        #expect(pair.count(.initiation, from: pair.alice) == 2)
        #expect(pair.count(.cookieReply, from: pair.bob) == 1)
        #expect(pair.bob.delivered == [Pair.request()])
        let initiations = pair.seen.all(.initiation).map(\.datagram.payload)
        #expect(initiations[0].suffix(16).allSatisfy { $0 == 0 })
        #expect(!initiations[1].suffix(16).allSatisfy { $0 == 0 })
    }

    @Test func endsOneSecondAfterTheQueueWasLong() {
        let pair = Pair()
        let now = pair.network.now
        pair.bob.waitingHandshakes = Limits.underLoadQueue
        pair.sendFromAlice()
        pair.run(0.1)
        #expect(pair.bob.device.isUnderLoad(at: pair.network.now.instant))
        #expect(pair.bob.device.isUnderLoad(at: now.instant + .milliseconds(1009)))
        #expect(!pair.bob.device.isUnderLoad(at: now.instant + .milliseconds(1010)))
        pair.bob.waitingHandshakes = Limits.underLoadQueue - 1
        pair.run(6)
        #expect(pair.bob.delivered.count == 1)
    }

    @Test func noCookieForAWrongMAC1() throws {
        let pair = Pair()
        pair.bob.waitingHandshakes = 1000
        pair.network.interceptor = { datagram in
            var datagram = datagram
            if datagram.kind == .initiation { datagram.payload[120] ^= 1 }
            return datagram
        }
        pair.sendFromAlice()
        pair.run(4)
        #expect(pair.seen.sightings.count == 1)
        #expect(pair.bob.shared.drops[.wrongMAC1] == 1)
    }

    @Test("A response to a loaded initiator is answered by a cookie too")
    func responseUnderLoad() {
        let pair = Pair()
        pair.alice.waitingHandshakes = 1000
        pair.sendFromAlice()
        pair.run(4)
        #expect(pair.count(.cookieReply, from: pair.alice) == 1)
        #expect(pair.bob.delivered.isEmpty)
        pair.alice.waitingHandshakes = 0
        pair.run(3)
        #expect(pair.bob.delivered.count == 1)
        #expect(!pair.seen.all(.response)[1].datagram.payload.suffix(16).allSatisfy { $0 == 0 })
    }

    @Test("A MAC2 counts for its address and port alone")
    func boundToAddress() throws {
        var (checker, message) = try Self.stampedMessage()
        let now = Self.start
        func isValid(_ source: Endpoint) -> Bool {
            message.withUnsafeBytes { checker.isMAC2Valid($0, from: source, now: now) }
        }
        #expect(isValid(Self.source))
        #expect(!isValid(endpoint("192.0.2.7", 51821)))
        #expect(!isValid(endpoint("192.0.2.8", 51820)))
        #expect(!isValid(endpoint("2001:db8::7", 51820)))
        #expect(isValid(Self.source))
    }

    @Test("The secret of cookies is good for 120 s")
    func secretExpires() throws {
        var (checker, message) = try Self.stampedMessage()
        func isValid(after span: Instant.Span) -> Bool {
            message.withUnsafeBytes { checker.isMAC2Valid($0, from: Self.source, now: Self.start + span) }
        }
        #expect(isValid(after: seconds(119.999)))
        #expect(!isValid(after: seconds(120)))
        // Within its life the secret stays, so that an older cookie goes on working when another is made.
        func makeReply(after span: Instant.Span) {
            _ = message.withUnsafeBytes {
                checker.reply(to: $0, from: Self.source, now: Self.start + span, random: SeededRandom(seed: 9))
            }
        }
        makeReply(after: seconds(60))
        #expect(isValid(after: seconds(119.999)))
        makeReply(after: seconds(121))
        #expect(!isValid(after: seconds(121)))
    }

    @Test("A cookie is used for 115 s")
    func senderUse() throws {
        var (_, message, jar) = try Self.stampedJar()
        for (age, isUsed) in [(1.0, true), (114.999, true), (115.0, false), (500.0, false)] {
            message.withUnsafeMutableBytes { jar.stamp($0, now: Self.start + seconds(age)) }
            #expect(message.suffix(16).contains { $0 != 0 } == isUsed, "\(age) s")
        }
    }

    @Test("One cookie reply is taken per message, and none before the first or with another MAC1")
    func oneReplyPerMessage() throws {
        let own = PublicKey(SeededRandom(seed: 1).bytes32())
        var checker = CookieChecker(own: own)
        var jar = CookieJar(peer: own)
        var message = [UInt8](repeating: 7, count: 148)
        func reply(to message: [UInt8]) -> [UInt8] {
            message.withUnsafeBytes {
                checker.reply(to: $0, from: Self.source, now: Self.start, random: SeededRandom(seed: 3))
            }
        }
        let early = reply(to: message)
        #expect(!early.withUnsafeBytes { jar.accept($0, now: Self.start) })
        message.withUnsafeMutableBytes { jar.stamp($0, now: Self.start) }
        #expect(!early.withUnsafeBytes { jar.accept($0, now: Self.start) })
        let good = reply(to: message)
        var flipped = good
        flipped[40] ^= 1
        #expect(!flipped.withUnsafeBytes { jar.accept($0, now: Self.start) })
        #expect(good.withUnsafeBytes { jar.accept($0, now: Self.start) })
        #expect(!good.withUnsafeBytes { jar.accept($0, now: Self.start) })
        message.withUnsafeMutableBytes { jar.stamp($0, now: Self.start) }
        #expect(reply(to: message).withUnsafeBytes { jar.accept($0, now: Self.start) })
    }

    @Test("A valid MAC2 passes the rate limiter, which refuses the sixth at once")
    func rateLimit() throws {
        let pair = Pair()
        pair.bob.waitingHandshakes = 1000
        pair.sendFromAlice()
        pair.run(6)
        #expect(pair.bob.delivered.count == 1)
        let proven = pair.seen.all(.initiation)[1].datagram
        for _ in 0..<6 { pair.network.inject(proven) }
        pair.run(0.1)
        #expect(pair.bob.shared.drops[.initiationReplayed] == 5)
        #expect(pair.bob.shared.drops[.rateLimited] == 1)
        // From elsewhere it is worth another cookie at most.
        var moved = proven
        moved.source.port += 1
        pair.network.inject(moved)
        pair.run(0.1)
        #expect(pair.bob.shared.drops[.cookieRequired] == 2)
    }

    @Test("A cookie reply to nobody's index or after the fact is dropped and counted")
    func unexpectedReplies() {
        let pair = Pair()
        pair.establish()
        var reply = [UInt8](repeating: 0, count: 64)
        reply[0] = 3
        let stray = Datagram(source: endpoint("198.51.100.1", 5), destination: pair.alice.endpoint, payload: reply)
        pair.network.inject(stray)
        let index = pair.bobAtAlice.slots.current!
        for byte in 0..<4 { reply[4 + byte] = UInt8(truncatingIfNeeded: index >> UInt32(8 * byte)) }
        pair.network.inject(Datagram(source: stray.source, destination: stray.destination, payload: reply))
        pair.run(1)
        #expect(pair.alice.shared.drops[.cookieReplyUnexpected] == 1)
        #expect(pair.alice.shared.drops[.cookieReplyUndecryptable] == 1)
        #expect(pair.bobAtAlice.endpoint == pair.bob.endpoint)
    }

    private static let start = SimulatedClock().instant
    private static let source = endpoint("192.0.2.7", 51820)

    /// A checker, a message with a MAC2 by its cookie, and the jar that has the cookie.
    private static func stampedJar() throws -> (CookieChecker, [UInt8], CookieJar) {
        let own = PublicKey(SeededRandom(seed: 1).bytes32())
        var checker = CookieChecker(own: own)
        var jar = CookieJar(peer: own)
        var message = SeededRandom(seed: 2).bytes(148)
        message.withUnsafeMutableBytes { jar.stamp($0, now: start) }
        let reply = message.withUnsafeBytes {
            checker.reply(to: $0, from: source, now: start, random: SeededRandom(seed: 3))
        }
        try #require(reply.withUnsafeBytes { jar.accept($0, now: start) })
        message.withUnsafeMutableBytes { jar.stamp($0, now: start) }
        return (checker, message, jar)
    }

    private static func stampedMessage() throws -> (CookieChecker, [UInt8]) {
        let (checker, message, _) = try stampedJar()
        return (checker, message)
    }
}
