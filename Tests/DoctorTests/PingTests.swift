import Control
import Quick
import Status
import Testing
import Tunnel
import Wire

@testable import Doctor
@testable import LinuxNet

struct PingTests {
    private static let endpoint = Endpoint(.v4(IPv4Address(0xc000_0201)), port: 51820)

    // MARK: - Who is meant

    private func snapshot(_ interface: String, _ peers: [(key: UInt8, name: String, allowedIPs: [String])])
        -> InterfaceSnapshot
    {
        var status = DeviceStatus()
        var report = DeviceReport()
        for (number, name, allowedIPs) in peers {
            var peer = PeerStatus(Patient.publicKey(number))
            peer.allowedIPs = allowedIPs.compactMap { Prefix($0) }
            peer.endpoint = Endpoint(.v4(IPv4Address(0xcb00_7100 + UInt32(number))), port: 51820)
            status.peers.append(peer)
            var entry = PeerReport(peer.publicKey)
            entry.annotation.name = name
            entry.endpointName = "\(name).example:51820"
            report.peers.append(entry)
        }
        return InterfaceSnapshot(
            name: interface, server: .nightjar, status: status, report: report, path: nil, configuration: nil,
            time: WallTime(seconds: 1_800_000_000, nanoseconds: 0))
    }

    @Test func whoIsMeant() throws {
        let snapshots = [
            snapshot("wg0", [(1, "laptop", ["10.8.0.2/32"]), (2, "Phone", ["10.8.0.3/32", "10.66.0.0/16"])]),
            snapshot("wg1", [(3, "office", ["0.0.0.0/0"]), (4, "laptop", ["10.9.0.0/24"])]),
            snapshot("wg2", [(5, "only", [])]),
        ]
        func find(_ text: String) -> UInt8? {
            let match = try? PeerSearch.find(text, in: snapshots)
            return (1...5).first { Patient.publicKey($0) == match?.peer.publicKey }
        }
        for (text, number) in [
            ("Phone", 2), ("phone", 2), ("office", 3), (Patient.publicKey(4).base64, 4),
            (Patient.publicKey(1).short, 1),
            (String(Patient.publicKey(2).base64.prefix(8)), 2), ("10.8.0.2", 1), ("10.66.1.1", 2), ("198.51.100.1", 3),
            ("203.0.113.2", 2), ("office.example", 3), ("phone.example:51820", nil), ("Phone.example:51820", 2),
            ("wg2", 5), ("wg0", nil), ("laptop", nil), ("nobody", nil), ("", nil), ("\u{1b}[2J", nil),
        ] as [(String, UInt8?)] {
            #expect(find(text) == number, "\(text)")
        }
        func sentence(_ text: String) -> String {
            do {
                _ = try PeerSearch.find(text, in: snapshots)
                return ""
            } catch { return "\(error)" }
        }
        #expect(sentence("laptop").contains("may be one of 2 peers: laptop ("))
        #expect(sentence("nobody").contains("there are laptop, Phone, office"))
        #expect(throws: QuickError.self) { try PeerSearch.find("laptop", in: []) }
    }

    // MARK: - Where to ask

    @Test func innerTargets() {
        func targets(_ allowedIPs: String, _ own: String) -> [String] {
            InnerTargets.candidates(
                allowedIPs: allowedIPs.split(separator: " ").compactMap { Prefix($0) },
                own: own.split(separator: " ").compactMap { InterfaceAddress($0) }
            ).map { "\($0)" }
        }
        #expect(targets("10.8.0.2/32 fd08::2/128", "10.8.0.1/24 fd08::1/64") == ["10.8.0.2", "fd08::2"])
        #expect(targets("10.8.0.2/32 fd08::2/128", "10.8.0.1/24") == ["10.8.0.2"])
        #expect(targets("10.8.0.0/24", "10.8.0.7/24") == ["10.8.0.1"])
        #expect(targets("0.0.0.0/0 ::/0", "10.8.0.7/32 fd08::7/128") == ["10.8.0.1", "fd08::1"])
        #expect(targets("0.0.0.0/0", "10.8.0.1/32") == ["192.0.2.1"])
        #expect(targets("192.168.7.0/24", "10.8.0.1/24") == ["192.168.7.1"])
        #expect(targets("192.168.7.0/31", "10.8.0.1/24") == ["192.168.7.0"])
        #expect(targets("", "10.8.0.1/24") == [])
        #expect(targets("10.8.0.0/24", "") == [])
        let many = (1...100).map { "10.8.1.\($0)/32" }.joined(separator: " ")
        #expect(targets(many, "10.8.0.1/16").count <= 6)
    }

    // MARK: - What is said

    @Test func lines() {
        func udp(_ call: PeerProbe.Call, _ outside: PeerProbe.Outside? = nil) -> PingLine.Result {
            PingLine.udp(Self.endpoint, call, outside).result
        }
        func outside(_ port: PortProbe.Answer, _ other: PortProbe.Answer = .silence) -> PeerProbe.Outside {
            PeerProbe.Outside(port: port, otherPort: other, answersEcho: false)
        }
        let closed = PortProbe.Answer.refused(NetworkRefusal(.portUnreachable, from: Self.endpoint.address))
        #expect(udp(.answered(microseconds: 1)) == .works)
        #expect(udp(.undecryptable) == .works)
        #expect(udp(.unanswered) == .unknown)
        #expect(udp(.unanswered, outside(closed)) == .fails)
        #expect(udp(.unanswered, outside(.silence, closed)) == .works)
        #expect(udp(.unanswered, outside(.silence)) == .unknown)
        #expect(PingLine.handshake(.undecryptable).text.contains("preshared"))
        #expect(PingLine.echo(.nothing).result == .fails)
        #expect(PingLine.route(to: Self.endpoint, nil, interface: "wg0").result == .fails)
        #expect(PingLine.route(to: Self.endpoint, Way(interface: "wg0"), interface: "wg0").result == .fails)
        #expect(PingLine.route(to: Self.endpoint, Way(interface: "eth0"), interface: "wg0").result == .works)
        let name = PingLine.name("vpn.example", .endpoints([Self.endpoint]), endpoint: Self.endpoint)
        #expect(name.description == "  name       ok      vpn.example is 192.0.2.1")
    }

    @Test func times() {
        for (microseconds, text) in [
            (0, "0.00 ms"), (7, "0.01 ms"), (410, "0.41 ms"), (999, "1.00 ms"), (1000, "1.0 ms"), (12_340, "12.3 ms"),
            (99_960, "100.0 ms"), (123_456, "123 ms"), (1_000_000, "1000 ms"),
        ] as [(UInt64, String)] {
            #expect(NetworkWords.milliseconds(microseconds) == text)
        }
        #expect(PingSummary(sent: 3, times: []).text == "0 of 3 answered through the tunnel.")
        let text = PingSummary(sent: 3, times: [1000, 3000]).text
        #expect(text == "2 of 3 answered through the tunnel: least 1.0 ms, mean 2.0 ms, most 3.0 ms.")
    }
}
