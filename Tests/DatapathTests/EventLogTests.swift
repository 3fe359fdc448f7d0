import Logging
import Testing
import Wire

@testable import Datapath
@testable import Tunnel

private func key(_ number: UInt8) -> PublicKey {
    PublicKey(Bytes32(repeatElement(number, count: 32))!)
}

private func endpoint(_ last: UInt32, port: UInt16 = 51820) -> Endpoint {
    Endpoint(.v4(IPv4Address(0xc000_0200 | last)), port: port)
}

private func at(_ seconds: UInt64) -> Instant { Instant(nanoseconds: 1_000_000_000 * (1000 + seconds)) }

/// Knows 1 as `office`, and 2 without a name.
private struct Names: LogNames {
    func isPeer(_ publicKey: PublicKey) -> Bool { publicKey == key(1) || publicKey == key(2) }
    func name(of publicKey: PublicKey) -> String { publicKey == key(1) ? "office" : "" }
    func title(of publicKey: PublicKey) -> String { publicKey == key(1) ? "office" : "peer \(publicKey.short)" }
    func dialect(of publicKey: PublicKey) -> String { "veil" }
    func dialect(numbered number: Int) -> String { "plain" }
}

/// Knows everybody.
private struct Everybody: LogNames {
    func isPeer(_ publicKey: PublicKey) -> Bool { true }
    func name(of publicKey: PublicKey) -> String { "" }
    func title(of publicKey: PublicKey) -> String { publicKey.short }
    func dialect(of publicKey: PublicKey) -> String { "plain" }
    func dialect(numbered number: Int) -> String { "plain" }
}

extension EventLog {
    fileprivate mutating func sentence(
        _ event: Device.Event, _ level: Logger.Level = .info, at now: Instant = at(0)
    ) -> String? {
        line(for: event, level: level, names: Names(), at: now).map { line in
            line.sentence + (line.leftOut > 0 ? " +\(line.leftOut)" : "")
        }
    }
}

private let short = key(2).short
private let stranger = key(9).short

private let toldEvents: [(Device.Event, String)] = [
    (
        .handshakeCompleted(key(1), endpoint(1), asInitiator: true, .first),
        "office: handshake completed with 192.0.2.1:51820"
    ),
    (
        .handshakeCompleted(key(2), endpoint(1), asInitiator: false, .first),
        "peer \(short): handshake completed with 192.0.2.1:51820"
    ),
    (
        .handshakeCompleted(key(1), endpoint(1), asInitiator: true, .resumed(after: .seconds(5000))),
        "office: handshake completed with 192.0.2.1:51820, the first in 83 minutes"
    ),
    (
        .handshakeCompleted(key(1), endpoint(1), asInitiator: true, .answered(after: 7)),
        "office: handshake completed with 192.0.2.1:51820 after 7 initiations"
    ),
    (
        .handshakeCompleted(key(1), endpoint(1), asInitiator: true, .elsewhere),
        "office: handshake completed with 192.0.2.1:51820, where it is now"
    ),
    (
        .silent(key(1), endpoint(1), initiations: 3, for: .milliseconds(15_400)),
        "office: no answer from 192.0.2.1:51820 to 3 handshake initiations in 15 seconds"
    ),
    (
        .gaveUp(key(1), endpoint(1), attempts: 20, droppedPackets: 1),
        "office: no answer from 192.0.2.1:51820 to 20 handshake initiations, giving up until there is something to "
            + "send; 1 waiting packet dropped"
    ),
    (
        .unconfirmed(key(1), endpoint(1), initiations: 3),
        "office: 3 handshakes from 192.0.2.1:51820 were answered, and none of the answers used; they don't reach it, "
            + "or one side has another preshared key"
    ),
    (
        .roamed(key(1), endpoint(2, port: 4), from: endpoint(1)),
        "office: roamed from 192.0.2.1:51820 to 192.0.2.2:4"
    ),
    (.keysErased(key(1)), "office: session expired, its keys are erased"),
    (
        .handshakeRefused(.initiationFromUnknownKey, from: endpoint(3), key(9)),
        "Handshake from 192.0.2.3:51820 refused: no peer here has its public key \(stranger)"
    ),
    (
        .handshakeRefused(.wrongMAC1, from: endpoint(3), nil),
        "Handshake from 192.0.2.3:51820 refused: it was made for another public key than this interface's"
    ),
    (
        .handshakeRefused(.initiationReplayed, from: endpoint(3), key(1)),
        "office: handshake from 192.0.2.3:51820 refused: it is older than the last one; the sender's clock went back, "
            + "or somebody sends a recorded one"
    ),
    (
        .handshakeRefused(.responseUndecryptable, from: endpoint(3), key(1)),
        "office: handshake from 192.0.2.3:51820 refused: the answer can't be decrypted; most likely one side has "
            + "another preshared key"
    ),
    (
        .handshakeRefused(.initiationUndecryptable, from: endpoint(3), key(1)),
        "Handshake from 192.0.2.3:51820 refused: it says it is office, but doesn't have its private key"
    ),
    (
        .handshakeRefused(.initiationUndecryptable, from: endpoint(3), key(9)),
        "Handshake from 192.0.2.3:51820 refused: it can't be decrypted"
    ),
    (
        .wrongDialect(key(1), from: endpoint(3), dialect: 0),
        "office: handshake from 192.0.2.3:51820 refused: it came as plain, but here the peer is set to veil"
    ),
    (.initiationImpossible(key(2), .noPrivateKey), "peer \(short): no handshake: the interface has no private key"),
    (.underLoad, "Under load: who begins a handshake has to prove its address for now"),
]

private let detailEvents: [Device.Event] = [
    .initiationSent(key(1), endpoint(1), attempt: 2), .keepaliveSent(key(1)),
    .handshakeCompleted(key(1), endpoint(1), asInitiator: true, .renewal),
    .handshakeRefused(.initiationTooSoon, from: endpoint(1), key(1)),
    .handshakeRefused(.cookieRequired, from: endpoint(1), nil), .initiationImpossible(key(1), .noEndpoint),
]

@Suite("Log lines")
struct EventLogTests {
    @Test("What a person wants to know is told at the info level", arguments: toldEvents)
    func sentences(_ event: Device.Event, _ sentence: String) {
        var log = EventLog()
        #expect(log.sentence(event) == sentence)
    }

    @Test(
        "What happens every two minutes, or means nothing, is told at the debug level, every time",
        arguments: detailEvents)
    func details(_ event: Device.Event) {
        var log = EventLog()
        #expect(log.sentence(event) == nil)
        for _ in 0..<100 { #expect(log.sentence(event, .debug) != nil) }
    }

    @Test("At the error level nothing of it is told, nor counted")
    func errors() {
        var log = EventLog()
        for (event, _) in toldEvents { #expect(log.sentence(event, .error) == nil) }
        for (event, sentence) in toldEvents.prefix(1) { #expect(log.sentence(event) == sentence) }
    }

    @Test("One reason of one peer is told once a minute, with how often it was left out; others aren't held back")
    func throttled() {
        var log = EventLog()
        let event = Device.Event.handshakeRefused(.initiationReplayed, from: endpoint(1), key(1))
        let times = (0..<600).filter { log.sentence(event, at: at($0)) != nil }
        #expect(times == [0, 60, 120, 180, 240, 300, 360, 420, 480, 540])
        #expect(log.sentence(event, at: at(600))?.hasSuffix("+59") ?? false)
        #expect(log.sentence(.handshakeRefused(.initiationReplayed, from: endpoint(1), key(2)), at: at(600)) != nil)
        #expect(log.sentence(.handshakeRefused(.responseUndecryptable, from: endpoint(1), key(1)), at: at(600)) != nil)
    }

    @Test("Strangers with a new key each, or a new address, get ten lines and then six a minute, whatever the flood")
    func strangers() {
        for isNamed in [true, false] {
            var log = EventLog()
            var lines = 0
            for number in 0..<60_000 {
                let bytes = withUnsafeBytes(of: number.bigEndian) { Array($0) } + [UInt8](repeating: 7, count: 24)
                let event = Device.Event.handshakeRefused(
                    isNamed ? .initiationFromUnknownKey : .wrongMAC1, from: endpoint(UInt32(number)),
                    isNamed ? PublicKey(Bytes32(bytes)!) : nil)
                if log.sentence(event, at: Instant(nanoseconds: at(0).nanoseconds + UInt64(number) * 1_000_000)) != nil
                {
                    lines += 1
                }
            }
            #expect(lines == 15)
            #expect(log.buckets <= 16)
        }
    }

    @Test("More peers than there is room for are told together, and what is kept stays bounded")
    func manyPeers() {
        var log = EventLog()
        for number in 0..<10_000 {
            let bytes = withUnsafeBytes(of: number.bigEndian) { Array($0) } + [UInt8](repeating: 7, count: 24)
            let event = Device.Event.keysErased(PublicKey(Bytes32(bytes)!))
            _ = log.line(for: event, level: .info, names: Everybody(), at: at(0))
        }
        #expect(log.buckets == LogThrottle.capacity + 1)
        _ = log.line(for: .keysErased(key(1)), level: .info, names: Everybody(), at: at(600))
        #expect(log.buckets == 1)
    }

    @Test("The fields for programs")
    func fields() throws {
        var log = EventLog()
        let event = Device.Event.handshakeRefused(.initiationReplayed, from: endpoint(3), key(1))
        let written = log.line(for: event, level: .info, names: Names(), at: at(0))
        let line = try #require(written)
        #expect(line.event == "handshake-refused" && line.peer == key(1) && line.name == "office")
        #expect(line.endpoint == endpoint(3) && line.reason == .initiationReplayed && line.level == .warning)
    }

    @Test("A mismatch of obfuscation names the setting, once a minute for one address and setting")
    func mismatches() {
        var log = EventLog()
        func tell(_ last: UInt32, _ seconds: UInt64, _ finding: String = "it would be veil") -> LogLine? {
            log.line(for: Engine.Mismatch(finding: finding, endpoint: endpoint(last), at: at(seconds)))
        }
        #expect(tell(1, 0)?.sentence == "Datagram from 192.0.2.1:51820 dropped: it would be veil")
        #expect(tell(1, 1) == nil)
        #expect(tell(1, 1, "it would be lwo") != nil, "somebody has changed the settings")
        #expect(tell(2, 1) != nil)
        #expect(tell(1, 61)?.leftOut == 1)
        let flood = (0..<1000).filter { tell(3, 62, "it would be under H1=\($0)") != nil }
        #expect(flood.count == 9)
    }

    @Test(
        "Lengths of time in words",
        arguments: [(0, "0 seconds"), (1, "1 second"), (119, "119 seconds"), (120, "2 minutes"), (7300, "2 hours")])
    func words(_ seconds: UInt64, _ words: String) {
        #expect(Instant.Span.seconds(seconds).words == words)
    }

    @Test("A name can't move the cursor or make lines")
    func hostileName() {
        var annotation = PeerAnnotation()
        annotation.name = "a\u{1b}[2J\nb\u{202e}c\u{9b}d"
        #expect(annotation.printableName == "a\u{fffd}[2J\u{fffd}b\u{fffd}c\u{fffd}d")
        annotation.name = String(repeating: "x", count: 1000)
        #expect(annotation.printableName.count == 64)
    }
}
