import Control
import Foundation
import Glibc
import Metrics
import Status
import TestKit
import Testing
import Tunnel
import Wire

@Suite struct ExpositionTests {
    @Test func dashboardsOfMindFlavorFindWhatTheyAskFor() throws {
        let parsed = try ParsedExposition(text(sampleSnapshot()))
        let labels = [
            "interface": "wg0", "public_key": key(1).base64, "allowed_ips": "10.0.0.2/32,fd00::2/128",
            "friendly_name": "laptop",
        ]
        for (name, kind, value) in [
            ("wireguard_sent_bytes_total", "counter", "8000"), ("wireguard_received_bytes_total", "counter", "7000"),
            ("wireguard_latest_handshake_seconds", "gauge", "1699999940"),
        ] {
            #expect(parsed.kinds[name] == kind)
            let sample = ParsedExposition.Sample(name: name, labels: labels, value: value)
            #expect(parsed.samples.contains(sample), "\(name)")
        }
        // Who never was connected has no handshake in 1970.
        #expect(parsed["wireguard_sent_bytes_total", ["public_key": key(2).base64]] == "0")
        #expect(parsed["wireguard_latest_handshake_seconds", ["public_key": key(2).base64]] == nil)
        #expect(!parsed.samples.contains { $0.name.hasPrefix("wireguard_peer") })
    }

    @Test func dashboardsOfMdlayherFindWhatTheyAskFor() throws {
        let parsed = try ParsedExposition(text(sampleSnapshot(), names: .mdlayher))
        let labels = ["device": "wg0", "public_key": key(1).base64]
        let expected = [
            ParsedExposition.Sample(
                name: "wireguard_peer_info",
                labels: labels.merging([
                    "allowed_ips": "10.0.0.2/32,fd00::2/128", "endpoint": "192.0.2.1:40000", "name": "laptop",
                ]) { $1 }, value: "1"),
            .init(name: "wireguard_peer_receive_bytes_total", labels: labels, value: "7000"),
            .init(name: "wireguard_peer_transmit_bytes_total", labels: labels, value: "8000"),
            .init(name: "wireguard_peer_last_handshake_seconds", labels: labels, value: "1699999940"),
        ]
        for sample in expected { #expect(parsed.samples.contains(sample), "\(sample.name)") }
        #expect(parsed["wireguard_device_info", ["device": "wg0"]] == "1")
        #expect(parsed["wireguard_peer_last_handshake_seconds", ["public_key": key(2).base64]] == nil)
        #expect(!parsed.samples.contains { $0.name == "wireguard_sent_bytes_total" })
    }

    @Test func bothHaveAllOfEach() throws {
        func names(_ which: PeerMetricNames) throws -> Set<String> {
            Set(try ParsedExposition(text(sampleSnapshot(), names: which)).kinds.keys)
        }
        #expect(try names(.both) == names(.mindflavor).union(names(.mdlayher)))
    }

    @Test func whatNobodyElseTells() throws {
        let parsed = try ParsedExposition(text(sampleSnapshot()))
        let first = ["interface": "wg0", "public_key": key(1).base64]
        let second = ["interface": "wg0", "public_key": key(2).base64]
        func expect(_ name: String, _ labels: [String: String], _ value: String?) {
            #expect(parsed["nightjar_" + name, labels] == value, "\(name)")
        }
        func with(_ name: String, _ value: String) -> [String: String] { first.merging([name: value]) { $1 } }
        expect("build_info", ["version": "1.2.3"], "1")
        expect("interface_info", ["interface": "wg0", "listen_port": "51820", "server": "nightjar"], "1")
        expect("interface_up", ["interface": "wg0"], "1")
        expect("interface_start_time_seconds", ["interface": "wg0"], "1699996400")
        expect("interface_mtu_bytes", ["interface": "wg0"], "1420")
        expect("interface_under_load", ["interface": "wg0"], "0")
        expect("interface_drops_total", ["interface": "wg0", "reason": "wrong-mac1"], "107")
        expect("interface_drops_total", ["interface": "wg0", "reason": "of-another-version"], "3")
        expect("interface_drops_total", ["interface": "wg0", "reason": "replayed"], "0")
        expect("interface_peers", ["interface": "wg0", "health": "healthy"], "1")
        expect("interface_peers", ["interface": "wg0", "health": "expired"], "1")
        expect("interface_peers", ["interface": "wg0", "health": "silent"], "0")
        expect("peer_info", with("obfuscation", "veil"), "1")
        expect("peer_up", first, "1")
        expect("peer_up", second, "0")
        expect("peer_handshakes_total", with("result", "completed-as-initiator"), "22")
        expect("peer_handshakes_total", with("result", "completed-as-responder"), "3")
        expect("peer_handshakes_total", with("result", "no-answer"), "31")
        expect("peer_refused_messages_total", with("reason", "initiation-replayed"), "6")
        expect("peer_sent_initiations_total", first, "51")
        expect("peer_accepted_initiations_total", first, "4")
        expect("peer_unanswered_initiations", second, "9")
        expect("peer_handshake_duration_seconds", first, "1.020304")
        expect("peer_last_heard_seconds", first, "1699999998")
        expect("peer_last_heard_seconds", second, nil)
        expect("peer_foreign_source_packets_total", first, "5")
        expect("peer_suspended", second.merging(["reason": "expired"]) { $1 }, "1")
        expect("peer_suspended", first, nil)
        expect("peer_expiry_seconds", first, "1700086400")
        expect("peer_quota_bytes", first, "1073741824")
        expect("peer_quota_used_bytes", first, "15000")
    }

    @Test func interfacesOfOthersHaveWhatIsKnown() throws {
        var other = sampleSnapshot()
        other.name = "wg1"
        other.report = nil
        other.server = .kernel
        let parsed = try ParsedExposition(text(sampleSnapshot(), other))
        #expect(parsed["wireguard_received_bytes_total", ["interface": "wg1", "public_key": key(1).base64]] == "3000")
        #expect(parsed["nightjar_peer_up", ["interface": "wg1", "public_key": key(1).base64]] == "1")
        #expect(parsed["nightjar_interface_info", ["interface": "wg1", "server": "kernel"]] == "1")
        #expect(!parsed.samples.contains { $0.labels["interface"] == "wg1" && $0.name.contains("handshakes_total") })
    }

    @Test func nothingSecret() {
        let text = text(sampleSnapshot(), names: .both)
        #expect(!text.contains(key(9).base64))
        #expect(text.contains("nightjar_interface_info"))
    }

    @Test func withoutInterfacesThereIsTheVersion() throws {
        let parsed = try ParsedExposition(text())
        #expect(parsed.samples.map(\.name) == ["nightjar_build_info"])
    }

    /// What other programs' sockets say, and what people write into files.
    @Test func hostileContent() throws {
        let random = SeededRandom(seed: 6)
        let scalars: [Unicode.Scalar] = [
            "\"", "\\", "\n", "\r", "\t", "}", "{", ",", "=", " ", "\u{1b}", "é", "鳥", "\u{202e}", "#",
        ]
        for _ in 0..<200 {
            var snapshot = sampleSnapshot()
            let name = String(
                String.UnicodeScalarView(
                    (0..<(1 + random.next() % 40)).map { _ in scalars[Int(random.next() % UInt64(scalars.count))] }))
            snapshot.report?.peers[0].annotation.name = name
            snapshot.name = name
            snapshot.report?.drops = [.init(name, .max)]
            snapshot.report?.age = Age(milliseconds: .max)
            snapshot.report?.peers[0].heard = Age(milliseconds: .max)
            snapshot.report?.peers[0].handshakeMicroseconds = .max
            snapshot.status.peers[0].lastHandshake = WallTime(seconds: random.chance(0.5) ? .min : .max, nanoseconds: 0)
            snapshot.status.peers += snapshot.status.peers
            let parsed = try ParsedExposition(text(snapshot, names: .both))
            #expect(
                parsed["nightjar_interface_drops_total", ["interface": name, "reason": name.printable]]
                    == "\(UInt64.max)")
            #expect(Set(parsed.samples.map { [$0.name: $0.labels] }).count == parsed.samples.count)
            let friendly = parsed.samples.compactMap { $0.labels["friendly_name"] }
            #expect(friendly.allSatisfy { !$0.unicodeScalars.contains { $0.value < 32 || $0 == "\u{202e}" } })
        }
    }

    private static let promtool = "/usr/bin/promtool"

    @Test(.enabled(if: access(promtool, X_OK) == 0, "promtool (prometheus) judges the text"))
    func promtoolHasNothingToSay() throws {
        var kernel = sampleSnapshot()
        kernel.name = "wg\"\\ 1"
        kernel.report = nil
        kernel.server = .kernel
        for names in PeerMetricNames.allCases {
            let (status, output) = try Self.check(text(sampleSnapshot(), kernel, names: names))
            #expect(status == 0 && output.isEmpty, "\(output)")
        }
        // It does notice what isn't well.
        #expect(try Self.check("# TYPE a_total gauge\na_total{x=\"\"} 1\n").output.isEmpty == false)
        #expect(try Self.check("a{x=\"\\q\"} 1\n").status != 0)
    }

    private static func check(_ text: String) throws -> (status: Int32, output: String) {
        let process = Process()
        let (input, output) = (Pipe(), Pipe())
        process.executableURL = URL(filePath: promtool)
        process.arguments = ["check", "metrics"]
        process.standardInput = input
        process.standardOutput = output
        process.standardError = output
        try process.run()
        try input.fileHandleForWriting.write(contentsOf: Data(text.utf8))
        try input.fileHandleForWriting.close()
        let said = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: said, as: UTF8.self))
    }

    @Test func theManualHasEveryMetric() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let manual = try String(contentsOf: root.appending(path: "docs/metrics.md"), encoding: .utf8)
        for name in try ParsedExposition(text(sampleSnapshot(), names: .both)).kinds.keys.sorted() {
            #expect(manual.contains("`\(name)`"), "\(name)")
        }
    }
}
