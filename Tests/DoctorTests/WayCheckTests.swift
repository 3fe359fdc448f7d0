import Control
import Glibc
import Quick
import Testing
import Tunnel
import Wire

@testable import Doctor
@testable import LinuxNet

/// What is in the way of packets, one fault at a time.
struct WayCheckTests {
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
