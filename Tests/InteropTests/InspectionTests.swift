import Foundation
import Glibc
import Testing

extension Interop {
    /// Real traffic, seen by `nightjar inspect` and by real detectors.
    @Suite struct InspectionTests {
        private static let signatures = ["ndpi-4.2", "ndpi-2024-10", "wireshark", "suricata", "zeek", "zapret"]

        /// What `nightjar inspect --json` prints, as far as these tests look at it.
        private struct Report: Decodable {
            struct Flow: Decodable {
                let client: String
                let server: String
                let packets: Int
                let findings: [Finding]
            }
            struct Finding: Decodable {
                let rule: String
                let verdict: String
                let evidence: [String]
            }
            struct Detector: Decodable {
                let program: String
                let recognised: Int?
            }
            let packets: Int
            let flows: [Flow]
            let detectors: [Detector]

            init(_ result: CommandResult) throws {
                self = try JSONDecoder().decode(Report.self, from: Data(result.output.utf8))
            }

            func recognised(in flow: Int) -> [String] {
                flows[flow].findings.filter { $0.verdict == "recognised" }.map(\.rule)
            }
        }

        @Test func captureOfTheReference() async throws {
            let pairing = Pairing(initiator: .wireguardGo, responder: .wireguardGo)
            try await Tunnel.with(pairing) { tunnel in
                let program = try Engine.nightjar.executable()
                let file = "\(tunnel.lab.directory)/wire.pcap"
                let capture = try tunnel.wire.client.namespace.start([
                    "tcpdump", "-q", "-n", "-U", "-i", "eth0", "-w", file, "udp",
                ])
                try await Task.sleep(for: .seconds(1))
                try await tunnel.client.namespace.run("ping -q -c 30 -i 0.02 -W 2 10.77.0.2")
                try await Task.sleep(for: .milliseconds(500))
                await capture.stop()
                let result = try await tunnel.lab.run([program, "inspect", "--json", file], mayFail: true)
                #expect(result.status == 1)
                let report = try Report(result)
                try #require(report.flows.count == 1)
                #expect(report.flows[0].server == tunnel.serverEndpoint(.ipv4))
                let recognised = report.recognised(in: 0)
                #expect(Self.signatures.allSatisfy(recognised.contains))
                #expect(recognised.contains("header"))
                // nDPI 4.2 doesn't recognise a flow with the same port on both sides, as these have.
                let tshark = report.detectors.first { $0.program == "tshark" }
                #expect(tshark?.recognised == 1)
                let text = try await tunnel.lab.run([program, "inspect", file], mayFail: true)
                #expect(text.output.contains("RECOGNISED nDPI 4.2"))
                #expect(text.status == 1)
            }
        }

        @Test func liveTraffic() async throws {
            try await Tunnel.with(.nightjars) { tunnel in
                let program = try Engine.nightjar.executable()
                let inspection = try tunnel.wire.client.namespace.start([
                    program, "inspect", "--interface", "eth0", "--json",
                ])
                try await Task.sleep(for: .seconds(1))
                try await tunnel.client.namespace.run("ping -q -c 30 -i 0.02 -W 2 10.77.0.2")
                try await Task.sleep(for: .milliseconds(500))
                inspection.signal(SIGINT)
                #expect(try await inspection.end(within: .seconds(20)) == 1)
                let report = try Report(inspection.result)
                let flow = try #require(report.flows.firstIndex { $0.server == tunnel.serverEndpoint(.ipv4) })
                #expect(report.flows[flow].packets >= 62)
                #expect(Self.signatures.allSatisfy(report.recognised(in: flow).contains))
                // nDPI 4.2 doesn't recognise a flow with the same port on both sides, as these have.
                let tshark = report.detectors.first { $0.program == "tshark" }
                #expect(tshark?.recognised == 1)
            }
        }

        /// A few flows of each dialect for a few seconds; `make detectors` takes hundreds, for minutes.
        @Test func detectorsSeePlainAlone() async throws {
            try await Lab.with(load: .heavy) { lab in
                let script = URL(filePath: #filePath).deletingLastPathComponent()
                    .appending(path: "../../Scripts/detectors.sh").standardized.path(percentEncoded: false)
                let result = try await lab.run(
                    [script, "clients=2", "servers=2", "seconds=5"],
                    environment: ["NIGHTJAR": try Engine.nightjar.executable()], timeout: .seconds(240), mayFail: true)
                #expect(result.status == 0, "\(result.output)\(result.errors)")
                let rows = result.output.split(separator: "\n").dropFirst().map {
                    $0.split(separator: " ").map(String.init)
                }
                #expect(rows.map(\.first) == ["plain", "veil", "awg2.0", "awg3.1", "swgp"])
                // Of each row: dialect, flows, tshark's "N of M", nDPI's.
                for row in rows {
                    let seen = row[0] == "plain" ? "4" : "0"
                    #expect(row.count > 5 && row[1] == "4" && row[2] == seen && row[5] == seen, "\(row)")
                }
            }
        }

        @Test func limitsAndRefusals() async throws {
            try await Lab.with { lab in
                let program = try Engine.nightjar.executable()
                let quiet = try await lab.namespace("quiet")
                let listening = try await quiet.run(
                    [program, "inspect", "--interface", "lo", "--seconds", "0.3"], mayFail: true)
                #expect(listening.status == 0)
                #expect(listening.output.hasPrefix("lo: 0 packets"))
                let missing = try await lab.run([program, "inspect", "\(lab.directory)/none.pcap"], mayFail: true)
                #expect(missing.status == 2)
                #expect(missing.errors.contains("none.pcap: No such file or directory"))
                let text = try lab.write("no capture at all\n", name: "text")
                let refused = try await lab.run([program, "inspect", text], mayFail: true)
                #expect(refused.status == 2)
                #expect(refused.errors.contains("neither a pcap nor a pcapng file"))
                let absent = try await quiet.run([program, "inspect", "--interface", "none0"], mayFail: true)
                #expect(absent.status == 2)
                #expect(absent.errors.contains("cannot capture from none0"))
            }
        }
    }
}
