import Control
import Foundation
import TestKit
import Testing
import Tunnel
import Wire

@testable import Status

@Suite("Status for programs")
struct StatusJSONTests {
    private func document(_ overview: Overview) throws -> [String: Any] {
        let bytes = StatusJSON.text(overview)
        #expect(bytes.last == UInt8(ascii: "\n"))
        return try #require(try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
    }

    @Test func empty() throws {
        let document = try document(Overview())
        #expect(document["version"] as? Int == 1)
        #expect((document["interfaces"] as? [Any])?.isEmpty == true)
        #expect((document["failures"] as? [Any])?.isEmpty == true)
    }

    @Test func members() throws {
        let status = Sample.status(1) {
            $0.endpoint = endpoint("203.0.113.7:41234")
            $0.allowedIPs = [prefix("10.8.0.2/32"), prefix("192.168.7.0/24")]
            $0.receivedBytes = .max
            $0.lastHandshake = WallTime(seconds: Sample.now - 34, nanoseconds: 0)
        }
        let report = Sample.report(1) {
            $0.handshake = Age(milliseconds: 34_050)
            $0.annotation.name = "a \"name\"\n\\ \u{1b}\u{7f}é"
            $0.annotation.quota = 1000
            $0.quotaUsed = 400
            $0.refusals = [
                .init(reason: "initiation-replayed", count: 3, age: seconds(50), endpoint: endpoint("192.0.2.1:1"))
            ]
        }
        let snapshot = try Sample.snapshot([status, Sample.status(2)], [report]) {
            $0.report?.drops = [.init("replayed", 0), .init("rate-limited", 7)]
        }
        var overview = Overview()
        overview.interfaces = [InterfaceView(snapshot, routes: InterfaceRoutes([prefix("10.8.0.0/24")]))]
        overview.failures = [.init(name: "wg1", reason: "gone")]
        let document = try document(overview)
        let interface = try #require((document["interfaces"] as? [[String: Any]])?.first)
        #expect(interface["name"] as? String == "wg0")
        #expect(interface["server"] as? String == "nightjar")
        #expect(interface["health"] as? String == "healthy")
        #expect(interface["reason"] as? String == "1 of 2 peers connected, 1 waiting")
        #expect(interface["up"] as? Bool == true)
        #expect(interface["ageSeconds"] as? Int == 7200)
        #expect(interface["receivedBytesPerSecond"] == nil)
        let drops = try #require(interface["drops"] as? [[String: Any]])
        #expect(drops.count == 1 && drops[0]["reason"] as? String == "rate-limited" && drops[0]["count"] as? Int == 7)
        let peers = try #require(interface["peers"] as? [[String: Any]])
        #expect(peers[0]["name"] as? String == "a \"name\"\n\\ \u{1b}\u{7f}é")
        #expect(peers[0]["handshakeAgeSeconds"] as? Double == 34.05)
        #expect(peers[0]["latestHandshake"] as? Int64 == Sample.now - 34)
        #expect(peers[0]["receivedBytes"] as? UInt64 == .max)
        #expect(peers[0]["allowedIPs"] as? [String] == ["10.8.0.2/32", "192.168.7.0/24"])
        #expect(peers[0]["routes"] as? [String] == ["10.8.0.2/32"])
        #expect(peers[0]["quotaUsed"] as? Int == 400)
        #expect((peers[0]["refusals"] as? [[String: Any]])?.first?["count"] as? Int == 3)
        #expect(peers[1]["name"] == nil && peers[1]["latestHandshake"] == nil)
        #expect((document["failures"] as? [[String: String]]) == [["name": "wg1", "reason": "gone"]])
    }

    @Test func noSecrets() throws {
        let secret = Secret32(Sample.key(99).bytes)
        let snapshot = try Sample.snapshot([Sample.status(1) { $0.presharedKey = secret }]) {
            $0.status.privateKey = secret
            $0.status.obfuscation.dialect = .veil
            $0.status.obfuscation.key = ObfuscationKey(Array("a secret of both".utf8))
        }
        var overview = Overview()
        overview.interfaces = [InterfaceView(snapshot)]
        let json = String(decoding: StatusJSON.text(overview), as: UTF8.self)
        let text = StatusText(width: nil).lines(overview).map(\.text).joined(separator: "\n")
        for output in [json, text] {
            #expect(!output.contains(Sample.key(99).base64))
            #expect(!output.contains("a secret"))
            #expect(output.contains("veil"))
        }
    }

    /// Whatever a name has in it, a reader gets it back.
    @Test func hostileTexts() throws {
        let random = SeededRandom(seed: 5)
        for _ in 0..<200 {
            let name = String(decoding: random.bytes(12), as: UTF8.self)
            let bytes = JSONText.document { $0.member("name", name) }
            let object = try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: String]
            #expect(object?["name"]?.unicodeScalars.elementsEqual(name.unicodeScalars) == true)
        }
    }
}
