import Control
import NoisePrimitives
import Quick
import Status
import Testing
import Tunnel
import Wire

@testable import Doctor
@testable import LinuxNet

/// A machine with an interface that is up as its file says, for tests to break.
struct Patient {
    var host: HostFacts
    var interface: InterfaceFacts
    private var text: String

    static let ownKey = key(1)
    static let peerKey = publicKey(2)
    static let otherKey = publicKey(3)

    /// - Parameter text: the file, in which OWN is a private key, and PEER and OTHER are public keys.
    init(_ text: String) throws {
        self.text = text
        interface = InterfaceFacts("wg0")
        host = HostFacts()
        host.links = [
            LinkState(index: 1, name: "lo", isUp: true, mtu: 65536, kind: nil),
            LinkState(index: 2, name: "eth0", isUp: true, mtu: 1500, kind: "veth"),
            LinkState(index: 3, name: "wg0", isUp: true, mtu: 1420, kind: "tun"),
        ]
        host.settings = [
            "ipv4/ip_forward": "0", "ipv4/conf/wg0/forwarding": "0", "ipv6/conf/all/forwarding": "0",
            "ipv6/conf/all/disable_ipv6": "0", "ipv6/conf/wg0/disable_ipv6": "0", "ipv4/conf/all/rp_filter": "0",
            "ipv4/conf/eth0/rp_filter": "0", "ipv4/conf/wg0/rp_filter": "0", "ipv4/conf/all/src_valid_mark": "0",
        ]
        interface.link = host.links[2]
        try write(text)
        try configure(text)
        addRoutes()
    }

    /// A client with a default route, or with `allowedIPs`.
    static func client(_ allowedIPs: String = "10.8.0.0/24", more: String = "", peer: String = "") throws -> Patient {
        try Patient(
            """
            [Interface]
            PrivateKey = OWN
            Address = 10.8.0.2/24
            \(more)
            [Peer]
            # Name = server
            PublicKey = PEER
            Endpoint = 192.0.2.1:51820
            AllowedIPs = \(allowedIPs)
            \(peer)
            """)
    }

    /// A server with two peers that call.
    static func server(more: String = "", first: String = "10.8.0.2/32", second: String = "10.8.0.3/32") throws
        -> Patient
    {
        try Patient(
            """
            [Interface]
            PrivateKey = OWN
            Address = 10.8.0.1/24
            ListenPort = 51820
            \(more)
            [Peer]
            # Name = laptop
            PublicKey = PEER
            AllowedIPs = \(first)

            [Peer]
            # Name = phone
            PublicKey = OTHER
            AllowedIPs = \(second)
            """)
    }

    var findings: [Finding] { diagnosis.findings }
    var codes: [FindingCode] { findings.map(\.code) }
    var diagnosis: Diagnosis {
        Diagnosis(Facts(host: host, interfaces: [interface]), checks: Checks.ofHost)
    }

    // MARK: - Breaking it

    /// Puts another file in the place of the one that the interface was brought up from.
    mutating func write(_ text: String) throws {
        let bytes = Array(Self.filled(text).utf8)
        interface.file = FileFacts(
            path: "/etc/wireguard/wg0.conf", text: try ConfigurationText(bytes, name: "wg0.conf"))
    }

    /// Makes the device what a file says.
    mutating func configure(_ text: String) throws {
        let file = try ConfigurationFile(parsing: Array(Self.filled(text).utf8), name: "wg0.conf", dialect: .quick)
        var status = DeviceStatus()
        status.privateKey = file.interface.privateKey
        status.listenPort = file.interface.listenPort ?? 40000
        status.firewallMark = file.interface.firewallMark ?? 0
        for section in file.peers {
            var peer = PeerStatus(section.publicKey)
            peer.endpoint = section.endpoint?.numeric
            peer.allowedIPs = section.prefixes
            peer.presharedKey = section.presharedKey ?? .zero
            peer.persistentKeepalive = section.persistentKeepalive ?? 0
            status.peers.removeAll { $0.publicKey == peer.publicKey }
            status.peers.append(peer)
        }
        interface.addresses = file.interface.addresses
        interface.snapshot = InterfaceSnapshot(
            name: "wg0", server: .nightjar, status: status, report: nil, path: "/etc/wireguard/wg0.conf",
            configuration: nil, time: WallTime(seconds: 1_800_000_000, nanoseconds: 0))
        host.addresses = interface.addresses.map { AssignedAddress($0, interface: 3) }
    }

    mutating func changeStatus(_ change: (inout DeviceStatus) -> Void) {
        guard var snapshot = interface.snapshot else { return }
        change(&snapshot.status)
        interface.snapshot = snapshot
    }

    /// Gives the daemon a report with an entry for each peer.
    mutating func report(_ change: (inout DeviceReport) -> Void) {
        guard var snapshot = interface.snapshot else { return }
        var report = DeviceReport()
        report.isUp = true
        report.peers = snapshot.status.peers.map { PeerReport($0.publicKey) }
        change(&report)
        snapshot.report = report
        interface.snapshot = snapshot
    }

    /// Routes for all allowed IPs, and ways that follow them; a way to everything else by eth0.
    private mutating func addRoutes() {
        let peers = interface.status?.peers ?? []
        let own = Set(host.addresses.map(\.address.address))
        for address in Sample.farAway { host.ways[WayQuestion(address)] = Way(interface: "eth0") }
        for peer in peers {
            if let endpoint = peer.endpoint {
                host.ways[WayQuestion(endpoint.address)] = Way(interface: "eth0")
                host.ways[WayQuestion(endpoint.address, mark: interface.mark)] = Way(interface: "eth0")
            }
        }
        for prefix in peers.flatMap(\.allowedIPs) {
            host.routes.append(Route(prefix, interface: 3))
            guard let sample = Sample.address(in: prefix, notIn: own) else { continue }
            host.ways[WayQuestion(sample)] = Way(interface: "wg0")
        }
    }

    static func key(_ number: UInt8) -> Secret32 {
        Secret32(filling: { bytes in
            for index in bytes.indices { bytes[index] = number }
            bytes[0] &= 248
            bytes[31] = bytes[31] & 127 | 64
        })
    }

    static func publicKey(_ number: UInt8) -> PublicKey { X25519.publicKey(of: key(number)) }

    private static func filled(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            for (word, value) in [
                ("OWNPUBLIC", publicKey(1).base64), ("OWN", Base64.encode(ownKey.bytes)), ("PEER", peerKey.base64),
                ("OTHER", otherKey.base64),
            ] where line.hasSuffix("= \(word)") { return line.dropLast(word.count) + value }
            return String(line)
        }.joined(separator: "\n")
    }
}

/// Expects a finding that says `evidence`, and `others` after it; nothing else.
func expect(
    _ patient: Patient, _ code: FindingCode, _ evidence: String, others: [FindingCode] = [],
    sourceLocation: SourceLocation = #_sourceLocation
) {
    let findings = patient.findings
    #expect(findings.map(\.code) == [code] + others, sourceLocation: sourceLocation)
    let text = findings.first.map { ([$0.summary] + $0.evidence + [$0.remedy]).joined(separator: "\n") } ?? ""
    #expect(text.contains(evidence), "\(text)", sourceLocation: sourceLocation)
    #expect(!findings.contains { $0.evidence.isEmpty || $0.remedy.isEmpty }, sourceLocation: sourceLocation)
}
