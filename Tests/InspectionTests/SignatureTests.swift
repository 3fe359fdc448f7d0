import TestKit
import Testing

@testable import Inspection

/// The rules of known programs fire where those programs do, and nowhere else. Obfuscation §8.1.
@Suite("Signature rules")
struct SignatureTests {
    private static let signatures: Set<Rule> = [.ndpi42, .ndpi2024, .wireshark, .suricata, .zeek, .zapret]

    @Test("Every one recognises plain WireGuard")
    func plain() {
        let report = Scene.wireGuard(seconds: 30).report
        #expect(report.rules(.recognised).isSuperset(of: Self.signatures))
        #expect(report.evidence(.ndpi42).contains("datagram 2"))
        #expect(report.evidence(.wireshark).contains("datagram 1 on, 102 in all"))
        #expect(report.isRecognised)
    }

    @Test("None recognises random bytes")
    func noise() {
        #expect(Scene.noise(count: 200, seed: 5).report.rules(.recognised).isEmpty)
    }

    @Test("Junk in front blinds nDPI alone")
    func junk() {
        let report = Scene.wireGuard(seconds: 30).preceded(by: SeededRandom(seed: 2).bytes(80)).report
        #expect(
            report.rules(.recognised).intersection(Self.signatures)
                == Self.signatures.subtracting([.ndpi42, .ndpi2024]))
    }

    @Test("Only the newer nDPI takes a repeated initiation without an answer")
    func unanswered() {
        let initiation: [UInt8] = [1, 0, 0, 0] + SeededRandom(seed: 3).bytes(144)
        let scene = Scene(lines: [0, 5000, 10_100].map { Scene.Line(time: $0, side: .client, payload: initiation) })
        let recognised = scene.report.rules(.recognised)
        #expect(recognised.contains(.ndpi2024))
        #expect(!recognised.contains(.ndpi42))
    }

    @Test("Only the newer nDPI knows TunnelBear's sizes")
    func tunnelBear() {
        let random = SeededRandom(seed: 4)
        let scene = Scene(lines: [
            Scene.Line(time: 0, side: .client, payload: [1, 0, 0, 0, 9, 9, 9, 9] + random.bytes(196)),
            Scene.Line(
                time: 9, side: .server, payload: [2, 0, 0, 0] + random.bytes(4) + [9, 9, 9, 9] + random.bytes(88)),
        ])
        #expect(scene.report.rules(.recognised) == [.ndpi2024])
    }

    @Test("nDPI follows indices: a foreign response ends its interest")
    func foreignResponse() {
        let random = SeededRandom(seed: 4)
        let scene = Scene(lines: [
            Scene.Line(time: 0, side: .client, payload: [1, 0, 0, 0, 9, 9, 9, 9] + random.bytes(140)),
            Scene.Line(time: 9, side: .server, payload: [2, 0, 0, 0] + random.bytes(88)),
        ])
        let recognised = scene.report.rules(.recognised)
        #expect(recognised.contains(.wireshark) && recognised.contains(.suricata))
        #expect(!recognised.contains(.ndpi42) && !recognised.contains(.ndpi2024))
    }

    @Test("nDPI recognises a flow from the middle of a session, from the third data message on")
    func middle() {
        var scene = Scene.wireGuard(seconds: 30)
        scene.lines.removeFirst(2)
        #expect(scene.report.evidence(.ndpi42).contains("datagram 3"))
    }

    @Test("Wireshark alone overlooks reserved bytes in handshakes")
    func reserved() {
        let report = Scene.wireGuard(seconds: 30).disguised { line in
            [line.payload[0], 1, 2, 3] + line.payload.dropFirst(4)
        }.report
        #expect(report.rules(.recognised).intersection(Self.signatures) == [.wireshark])
        #expect(report.evidence(.disguise).contains("reserved bytes 01 02 03"))
    }
}
