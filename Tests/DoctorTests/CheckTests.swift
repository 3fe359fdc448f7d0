import Control
import Glibc
import Quick
import Testing
import Tunnel
import Wire

@testable import Doctor
@testable import LinuxNet

/// Each fault alone is the first finding, and names what it was seen by.
struct CheckTests {
    private func expect(
        _ patient: Patient, _ code: FindingCode, _ evidence: String, others: [FindingCode] = [],
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let findings = patient.findings
        #expect(findings.map(\.code) == [code] + others, sourceLocation: sourceLocation)
        let text = findings.first.map { ([$0.summary] + $0.evidence + [$0.remedy]).joined(separator: "\n") } ?? ""
        #expect(text.contains(evidence), "\(text)", sourceLocation: sourceLocation)
        #expect(!findings.contains { $0.evidence.isEmpty || $0.remedy.isEmpty }, sourceLocation: sourceLocation)
    }

    /// The interface isn't there.
    private func absent(_ patient: Patient) -> Patient {
        var patient = patient
        patient.interface.link = nil
        patient.interface.snapshot = nil
        patient.interface.addresses = []
        patient.host.links.removeLast()
        return patient
    }

    // MARK: - The machine

    @Test func noTunDevice() throws {
        var patient = absent(try Patient.client())
        patient.host.tunFailure = ENOENT
        expect(patient, .noTunDevice, "No such file")
        #expect(patient.diagnosis.entries[0].explains == [.interfaceNotUp])
        patient.host.hasNetAdmin = false
        expect(patient, .noTunDevice, "modprobe tun", others: [.noNetAdmin])
    }

    @Test func noCapability() throws {
        var patient = absent(try Patient.client())
        patient.host.hasNetAdmin = false
        expect(patient, .noNetAdmin, "--cap-add NET_ADMIN")
    }

    @Test func noFirewallTool() throws {
        var patient = absent(try Patient.client("0.0.0.0/0", more: "DNS = 10.8.0.1"))
        patient.host.hasFirewallTool = false
        expect(patient, .noFirewallTool, "apt-get install nftables")
    }

    @Test func ipv6IsOff() throws {
        var patient = absent(try Patient.client(more: "Address = fd08::2/64"))
        patient.host.settings["ipv6/conf/default/disable_ipv6"] = "1"
        expect(patient, .ipv6Off, "net.ipv6.conf.default.disable_ipv6 = 1")
        patient.host.settings["ipv6/conf/all/disable_ipv6"] = nil
        expect(patient, .ipv6Off, "isn't there")
    }

    // MARK: - The file

    @Test func fileThatCannotBeRead() throws {
        var patient = absent(try Patient.client())
        patient.interface.file = FileFacts(path: "/etc/wireguard/wg0.conf", text: nil, problem: "wg0.conf:3: found x")
        expect(patient, .fileInvalid, "wg0.conf:3")
    }

    @Test func fileForEverybody() throws {
        var patient = try Patient.client()
        patient.interface.file?.isReadableByOthers = true
        expect(patient, .fileReadableByOthers, "chmod 600 /etc/wireguard/wg0.conf")
    }

    @Test(arguments: [
        ("# Forwading = nat", "\"Forwading\" looks like Forwarding"),
        ("# Forwarding = yes", "it takes off, on and nat"),
        ("# forwardign = nat", "looks like Forwarding"),
    ]) func fileThatSaysWhatIsNotMeant(_ line: String, _ evidence: String) throws {
        let patient = try Patient.server(more: line)
        expect(patient, .fileDoubtful, evidence)
        #expect(patient.findings.first?.severity == .warning)
    }

    @Test(arguments: [
        "# Notes = x", "## Forwading = nat", "# Forwarding", "# For warding is off = true", "#Address = 10.0.0.1/24",
    ])
    func notesAreNotes(_ line: String) throws {
        #expect(try Patient.server(more: line).findings == [])
    }

    @Test func noPrivateKey() throws {
        var patient = try Patient.client()
        patient.changeStatus { $0.privateKey = nil }
        try patient.write(
            "[Interface]\nAddress = 10.8.0.2/24\n[Peer]\n# Name = server\nPublicKey = PEER\nEndpoint = 192.0.2.1:51820\nAllowedIPs = 10.8.0.0/24\n"
        )
        expect(patient, .noPrivateKey, "nightjar genkey")
    }

    @Test func ownKeyAsPeer() throws {
        let text =
            "[Interface]\nPrivateKey = OWN\nAddress = 10.8.0.2/24\n[Peer]\nPublicKey = OWNPUBLIC\nAllowedIPs = 10.8.0.1/32\n"
        expect(try Patient(text), .peerKeyIsOwn, "wg0.conf:4")
        expect(absent(try Patient(text)), .peerKeyIsOwn, "show INTERFACE public-key", others: [.interfaceNotUp])
    }

    @Test func privateKeyAsPeerStaysSecret() throws {
        let patient = try Patient(
            "[Interface]\nPrivateKey = OWN\nAddress = 10.8.0.2/24\n[Peer]\nPublicKey = OWN\nAllowedIPs = 10.8.0.1/32\n")
        expect(patient, .peerKeyIsPrivate, "wg0.conf:4")
        let key = Base64.encode(Patient.ownKey.bytes)
        let texts = [patient.diagnosis.json, patient.diagnosis.text(width: 80, isColoured: false)]
        for text in texts {
            #expect(!text.contains(key.prefix(4)) && !text.contains(PublicKey(Patient.ownKey.bytes).short))
        }
    }

    @Test func keyOfTwoInterfaces() throws {
        var patient = try Patient.client()
        let own = Patient.publicKey(1)
        patient.host.neighbours["wg1"] = HostFacts.Neighbour(publicKey: own, peers: [Patient.otherKey])
        #expect(patient.findings == [])
        patient.host.neighbours["wg1"] = HostFacts.Neighbour(publicKey: own, peers: [Patient.peerKey])
        expect(patient, .keyUsedTwice, "wg1")
    }

    @Test func keptKey() throws {
        let text =
            "[Interface]\nPrivateKey = OWN\nAddress = 10.8.0.1/24\n[Peer]\nPublicKey = PEER\n# ClientPrivateKey = OWN\nAllowedIPs = 10.8.0.2/32\n"
        expect(try Patient(text), .keptKeyDiffers, "wg0.conf:4")
    }

    @Test func duplicatePeer() throws {
        let patient = try Patient(
            "[Interface]\nPrivateKey = OWN\nAddress = 10.8.0.1/24\n[Peer]\nPublicKey = PEER\nAllowedIPs = 10.8.0.2/32\n[Peer]\nPublicKey = PEER\nAllowedIPs = 10.8.0.3/32\n"
        )
        expect(patient, .duplicatePeer, "wg0.conf:7")
    }

    // MARK: - Allowed IPs

    @Test func noAllowedIPs() throws {
        let patient = try Patient(
            "[Interface]\nPrivateKey = OWN\nAddress = 10.8.0.1/24\n[Peer]\n# Name = laptop\nPublicKey = PEER\n")
        expect(patient, .allowedIPsMissing, "wg0.conf:4")
        #expect(patient.findings.first?.peer == "laptop")
    }

    @Test func lastOneWins() throws {
        var patient = try Patient.server(second: "10.8.0.2/32")
        patient.changeStatus { $0.peers[0].allowedIPs = [] }
        expect(patient, .allowedIPsMoved, "AllowedIPs of phone has it, too")
        #expect(patient.findings.first?.peer == "laptop")
    }

    @Test func movedByHand() throws {
        var patient = try Patient.server()
        patient.changeStatus {
            $0.peers[1].allowedIPs += $0.peers[0].allowedIPs
            $0.peers[0].allowedIPs = []
        }
        expect(patient, .allowedIPsMoved, "it is phone's", others: [.differsFromFile])
    }

    @Test func aClientWithTheWholeNetwork() throws {
        expect(try Patient.server(first: "10.8.0.0/24"), .allowedIPsOverlap, "10.8.0.0/24")
    }

    // MARK: - The interface

    @Test func notUp() throws { expect(absent(try Patient.client()), .interfaceNotUp, "nightjar up wg0") }

    @Test func portOfAnotherProgram() throws {
        var patient = absent(try Patient.server())
        patient.host.boundPorts = [51820: "openvpn, process 7"]
        expect(patient, .portInUse, "openvpn, process 7")
        var running = try Patient.server()
        running.host.boundPorts = [51820: "openvpn, process 7"]
        #expect(running.findings == [])
        running.report { $0.bindFailure = EADDRINUSE }
        expect(running, .portInUse, "openvpn, process 7")
    }

    @Test func crashed() throws {
        var patient = absent(try Patient.client())
        patient.interface.record = UpRecord(isUp: true, file: "/etc/wireguard/wg0.conf", interfaceIndex: 3)
        expect(patient, .interfaceLeftBehind, "nightjar down wg0")
    }

    @Test func nobodyServesIt() throws {
        var patient = try Patient.client()
        patient.interface.snapshot = nil
        expect(patient, .interfaceNotServed, "kind of the interface: tun")
    }

    @Test func switchedOff() throws {
        var patient = try Patient.client()
        patient.interface.link = LinkState(index: 3, name: "wg0", isUp: false, mtu: 1420, kind: "tun")
        patient.host.routes = []
        expect(patient, .interfaceDown, "ip link set wg0 up")
    }

    @Test func addressGone() throws {
        var patient = try Patient.client()
        patient.interface.addresses = []
        patient.host.addresses = []
        expect(patient, .addressMissing, "10.8.0.2/24")
    }

    @Test func editedAndNotReloaded() throws {
        var patient = try Patient.client()
        try patient.write(
            "[Interface]\nPrivateKey = OWN\nAddress = 10.8.0.2/24\nListenPort = 4\n[Peer]\n# Name = server\nPublicKey = PEER\nEndpoint = 192.0.2.1:51820\nAllowedIPs = 10.8.0.0/24, 10.9.0.0/24\nPresharedKey = OWN\nPersistentKeepalive = 25\n[Peer]\nPublicKey = OTHER\nAllowedIPs = 10.7.0.0/24\n"
        )
        let findings = patient.findings
        #expect(findings.map(\.code) == [.differsFromFile, .differsFromFile, .differsFromFile])
        #expect(findings[0].evidence == ["ListenPort in use is 40000; the file says 4"])
        #expect(
            findings[1].evidence.contains("AllowedIPs in use are 10.8.0.0/24; the file says 10.8.0.0/24, 10.9.0.0/24"))
        #expect(findings[1].evidence.contains("it has no preshared key; the file has one"))
        #expect(findings[1].evidence.contains("PersistentKeepalive in use is 0; the file says 25"))
        #expect(findings[2].summary.contains("doesn't know it"))
    }

    @Test func peerThatTheFileDoesNotHave() throws {
        var patient = try Patient.client()
        patient.changeStatus { status in
            var peer = PeerStatus(Patient.otherKey)
            peer.allowedIPs = [Prefix("10.8.0.9/32")].compactMap(\.self)
            status.peers.append(peer)
        }
        expect(patient, .differsFromFile, "nightjar save wg0", others: [])
        #expect(patient.findings.first?.severity == .warning)
    }

    // MARK: - Ways

    @Test(arguments: [
        ("10.8.0.0/24", "10.8.0.3"), ("10.8.0.2/32", nil), ("10.8.0.9/32", "10.8.0.9"), ("0.0.0.0/0", "198.41.0.4"),
        ("0.0.0.0/1", "64.0.0.1"), ("128.0.0.0/1", "198.41.0.4"), ("0.0.0.0/5", "4.0.0.1"), ("224.0.0.0/3", nil),
        ("::/0", "2001:503:ba3e::2:30"), ("::/1", "2001:503:ba3e::2:30"), ("8000::/1", "8000::1"), ("ff00::/8", nil),
        ("fd08::/64", "fd08::1"), ("10.8.0.2/31", "10.8.0.3"),
    ]) func samples(_ network: String, _ address: String?) throws {
        let own = Set(["10.8.0.1", "10.8.0.2"].compactMap { IPAddress($0) })
        let sample = Sample.address(in: try #require(Prefix(network)), notIn: own)
        #expect(sample?.description == address, "\(network)")
    }

    @Test func endpointInTheTunnel() throws {
        var patient = try Patient.client("192.0.2.0/24")
        patient.host.ways[WayQuestion(try #require(IPAddress("192.0.2.1")))] = Way(interface: "wg0")
        expect(patient, .endpointInTunnel, "AllowedIPs has 192.0.2.0/24")
    }

    @Test func noWayToTheEndpoint() throws {
        var patient = try Patient.client()
        patient.host.ways[WayQuestion(try #require(IPAddress("192.0.2.1")))] = .some(.none)
        expect(patient, .endpointUnroutable, "ip route get 192.0.2.1: no route")
    }

    @Test func routeGone() throws {
        var patient = try Patient.client("10.8.0.0/24, 172.16.0.0/16")
        patient.host.routes.removeAll { $0.destination.length == 16 }
        patient.host.ways[WayQuestion(try #require(IPAddress("172.16.0.1")))] = Way(interface: "eth0")
        expect(patient, .routeMissing, "ip route add 172.16.0.0/16 dev wg0")
    }

    @Test func anotherInterfaceIsPreferred() throws {
        var patient = try Patient.client("10.8.0.0/24, 172.16.0.0/16")
        patient.host.routes.append(
            Route(try #require(Prefix("172.16.0.0/24")), interface: 2, gateway: IPAddress("192.0.2.254")))
        patient.host.ways[WayQuestion(try #require(IPAddress("172.16.0.1")))] = Way(interface: "eth0")
        expect(patient, .routeTaken, "route: 172.16.0.0/24 via 192.0.2.254 dev eth0")
    }

    @Test func noWayBack() throws {
        var patient = try Patient.server(more: "Table = off", first: "10.99.0.2/32")
        patient.host.routes = [Route(try #require(Prefix("10.8.0.0/24")), interface: 3)]
        expect(patient, .replyRouteMissing, "ip route add 10.99.0.2/32 dev wg0")
        patient.interface.file = nil
        #expect(patient.codes == [.replyRouteMissing])
    }

    @Test func reversePathFilterOutside() throws {
        var patient = try Patient.client("0.0.0.0/0", more: "FwMark = 51820\nDNS = 10.8.0.1")
        patient.host.ways[WayQuestion(try #require(IPAddress("192.0.2.1")))] = Way(interface: "wg0", table: 51820)
        patient.host.settings["ipv4/conf/eth0/rp_filter"] = "1"
        expect(patient, .reversePathFilter, "src_valid_mark = 0")
        patient.host.settings["ipv4/conf/all/src_valid_mark"] = "1"
        expect(patient, .reversePathFilter, "no rule of the firewall restores the mark")
        patient.host.firewall = FirewallRules(
            chains: IptablesRuleset(
                "*mangle\n:PREROUTING ACCEPT [0:0]\n[0:0] -A PREROUTING -p udp -j CONNMARK --restore-mark --nfmask 0xffffffff --ctmask 0xffffffff\nCOMMIT",
                isIPv6: false
            ).chains)
        #expect(patient.findings == [])
    }

    @Test func reversePathFilterInside() throws {
        var patient = try Patient.client("0.0.0.0/0", more: "Table = off")
        patient.host.routes = [Route(try #require(Prefix("10.8.0.0/24")), interface: 3)]
        patient.host.ways[WayQuestion(Sample.farAway[0])] = Way(interface: "eth0")
        patient.host.settings["ipv4/conf/wg0/rp_filter"] = "1"
        #expect(patient.findings == [])
        patient.host.reversePathDrops = 4
        expect(patient, .reversePathFilter, "dropped so far: 4")
    }

    // MARK: - The firewall

    private func rules(_ text: String, isIPv6: Bool = false) -> FirewallRules {
        FirewallRules(
            chains: IptablesRuleset(
                "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n\(text)\nCOMMIT",
                isIPv6: isIPv6
            ).chains)
    }

    @Test func firewallIn() throws {
        var patient = try Patient.server()
        patient.host.firewall = rules("[3:9] -A INPUT -p udp --dport 51820 -j DROP")
        expect(
            patient, .firewallDropsIncoming,
            "iptables -t filter, chain INPUT: -A INPUT -p udp --dport 51820 -j DROP (3 packets so far)")
        // Who gets through by another way isn't told that nobody does.
        patient.report { $0.peers[0].handshake = Age(milliseconds: 20_000) }
        #expect(patient.findings == [])
    }

    @Test func firewallInForAnswers() throws {
        var patient = try Patient.client()
        patient.host.firewall = rules("[0:0] -A INPUT -i eth0 -p udp -j DROP")
        expect(patient, .firewallDropsIncoming, "drops the peer's answers")
    }

    @Test func firewallOut() throws {
        var patient = try Patient.client()
        patient.host.firewall = rules("[0:0] -A OUTPUT -o eth0 -p udp -m udp --dport 51820 -j REJECT")
        expect(patient, .firewallDropsOutgoing, "iptables -t filter -D OUTPUT -o eth0")
    }

    @Test func firewallInTheTunnel() throws {
        var patient = try Patient.server()
        patient.host.firewall = rules("[0:0] -A INPUT -i wg0 -j DROP")
        expect(patient, .firewallDropsTunnel, "-A INPUT -i wg0 -j DROP")
        // A policy that drops what is new is somebody's choice until a peer suffers from it.
        patient.host.firewall = rules(
            "[0:0] -A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT\n[0:0] -A INPUT -i wg0 -m conntrack --ctstate NEW -j DROP"
        )
        #expect(patient.findings == [])
        patient.report { $0.peers[0].dataReceived = Age(milliseconds: 100) }
        #expect(patient.codes == [.firewallDropsTunnel])
    }

    // MARK: - Beyond

    private func forwarding(_ patient: inout Patient) {
        patient.host.settings["ipv4/ip_forward"] = "1"
        patient.host.settings["ipv4/conf/wg0/forwarding"] = "1"
    }

    @Test func forwardingOff() throws {
        expect(try Patient.server(more: "# Forwarding = nat"), .forwardingOffIPv4, "net.ipv4.ip_forward = 0")
        expect(
            try Patient.server(more: "PostUp = iptables -t nat -A POSTROUTING -o eth0 -j MASQUERADE"),
            .forwardingOffIPv4,
            "PostUp = iptables")
    }

    @Test func ipv6ForwardingOffAlone() throws {
        var patient = try Patient.server(more: "Address = fd08::1/64\n# Forwarding = on")
        forwarding(&patient)
        expect(patient, .forwardingOffIPv6, "net.ipv6.conf.all.forwarding = 0")
    }

    @Test func forwardingOffSeenByWhatIsLost() throws {
        var patient = try Patient.server()
        patient.host.strayIPv4 = HostFacts.Stray(total: 9, now: 0)
        patient.report {
            $0.peers[0].dataReceived = Age(milliseconds: 1000)
            $0.peers[0].dataSent = Age(milliseconds: 1000)
        }
        #expect(patient.findings == [])
        patient.host.strayIPv4.now = 2
        expect(patient, .forwardingOffIPv4, "2 of them just now")
        patient.host.strayIPv4.now = 0
        patient.report { $0.peers[0].dataReceived = Age(milliseconds: 1000) }
        #expect(patient.codes == [.forwardingOffIPv4])
        #expect(patient.findings[0].severity == .warning)
    }

    @Test func firewallForward() throws {
        var patient = try Patient.server(more: "# Forwarding = on")
        forwarding(&patient)
        patient.host.firewall = FirewallRules(
            chains: IptablesRuleset("*filter\n:FORWARD DROP [0:0]\nCOMMIT", isIPv6: false).chains)
        expect(patient, .firewallDropsForwarded, "chain FORWARD: policy drop")
    }

    @Test func noMasquerade() throws {
        var patient = try Patient.server(more: "# Forwarding = nat")
        forwarding(&patient)
        expect(patient, .noMasquerade, "nightjar down wg0")
        var other = try Patient.server()
        forwarding(&other)
        #expect(other.findings == [])
        other.report { $0.peers[1].dataReceived = Age(milliseconds: 1000) }
        expect(other, .noMasquerade, "phone sends, and gets no answers")
    }

    // MARK: - Names

    @Test func nameServers() throws {
        expect(try Patient.client(more: "DNS = 192.168.1.1"), .dnsOutsideTunnel, "192.168.1.1/32")
        var patient = try Patient.client("0.0.0.0/0", more: "FwMark = 1")
        patient.host.nameServers = [try #require(IPAddress("192.168.1.1"))]
        patient.host.ways[WayQuestion(patient.host.nameServers[0])] = Way(interface: "eth0")
        expect(patient, .dnsOutsideTunnel, "nameserver 192.168.1.1")
        var lost = try Patient.client(more: "DNS = 10.8.0.1")
        lost.interface.record = UpRecord(isUp: true, file: "/etc/wireguard/wg0.conf", interfaceIndex: 3)
        lost.interface.record?.lostNameServers = [try #require(IPAddress("10.8.0.1"))]
        expect(lost, .dnsOverwritten, "10.8.0.1")
    }
}
