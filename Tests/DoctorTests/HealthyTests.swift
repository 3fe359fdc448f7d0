import Control
import LinuxNet
import Quick
import Testing
import Tunnel
import Wire

@testable import Doctor

struct HealthyTests {
    @Test func client() throws { #expect(try Patient.client().findings == []) }
    @Test func clientWithEverything() throws {
        var patient = try Patient.client("0.0.0.0/0, ::/0", more: "FwMark = 51820\nDNS = 10.8.0.1")
        patient.interface.record = UpRecord(isUp: true, file: "/etc/wireguard/wg0.conf", interfaceIndex: 3)
        patient.host.ways[WayQuestion(try #require(IPAddress("192.0.2.1")))] = Way(interface: "wg0", table: 51820)
        #expect(patient.findings == [])
    }
    @Test func server() throws { #expect(try Patient.server().findings == []) }

    @Test func serverThatNobodyHasCalledYetBehindAFirewall() throws {
        var patient = try Patient.server()
        patient.host.firewall = FirewallRules(
            chains: IptablesRuleset(
                """
                *filter
                :INPUT DROP [0:0]
                [0:0] -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
                [0:0] -A INPUT -p udp --dport 51820 -j ACCEPT
                COMMIT
                """, isIPv6: false
            ).chains)
        patient.report { _ in }
        #expect(patient.findings == [])
    }

    /// A hub that one machine reaches for the whole network, beside a direct connection.
    @Test func hubAndDirectPeer() throws {
        let patient = try Patient(
            """
            [Interface]
            PrivateKey = OWN
            Address = 10.8.0.2/24
            [Peer]
            PublicKey = PEER
            Endpoint = 192.0.2.1:51820
            AllowedIPs = 10.8.0.0/24
            [Peer]
            PublicKey = OTHER
            Endpoint = 192.0.2.2:51820
            AllowedIPs = 10.8.0.3/32
            """)
        #expect(patient.findings == [])
    }

    /// Routes and rules of somebody's own, who has switched the reverse path filter to loose.
    @Test func noRoutesOnPurpose() throws {
        var patient = try Patient.client("0.0.0.0/0", more: "Table = off")
        patient.host.routes = [Route(try #require(Prefix("10.8.0.0/24")), interface: 3)]
        patient.host.ways[WayQuestion(Sample.farAway[0])] = Way(interface: "eth0")
        patient.host.settings["ipv4/conf/wg0/rp_filter"] = "2"
        patient.host.settings["ipv4/conf/all/rp_filter"] = "1"
        patient.host.reversePathDrops = 5
        #expect(patient.findings == [])
    }

    @Test func setUpByHandWithoutAFile() throws {
        var patient = try Patient.client()
        patient.interface.file = nil
        #expect(patient.findings == [])
    }

    @Test func aPeerThatIsSwitchedOff() throws {
        let patient = try Patient(
            """
            [Interface]
            PrivateKey = OWN
            Address = 10.8.0.1/24
            [Peer]
            PublicKey = PEER
            AllowedIPs = 10.8.0.2/32
            #[disabled] [Peer]
            #[disabled] PublicKey = PEER
            #[disabled] AllowedIPs = 10.8.0.2/32
            """)
        #expect(patient.findings == [])
    }

    @Test func forwardingAsWanted() throws {
        var patient = try Patient.server(more: "# Forwarding = nat")
        patient.host.settings["ipv4/ip_forward"] = "1"
        patient.host.settings["ipv4/conf/wg0/forwarding"] = "1"
        patient.host.firewall = FirewallRules(
            chains: IptablesRuleset(
                "*nat\n:POSTROUTING ACCEPT [0:0]\n[0:0] -A POSTROUTING -s 10.8.0.0/24 ! -o wg0 -j MASQUERADE\nCOMMIT",
                isIPv6: false
            ).chains)
        #expect(patient.findings == [])
    }
}
