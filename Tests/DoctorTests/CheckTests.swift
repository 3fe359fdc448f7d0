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
            """
            [Interface]
            Address = 10.8.0.2/24
            [Peer]
            # Name = server
            PublicKey = PEER
            Endpoint = 192.0.2.1:51820
            AllowedIPs = 10.8.0.0/24
            """
        )
        expect(patient, .noPrivateKey, "nightjar genkey")
    }

    @Test func ownKeyAsPeer() throws {
        let text =
            """
            [Interface]
            PrivateKey = OWN
            Address = 10.8.0.2/24
            [Peer]
            PublicKey = OWNPUBLIC
            AllowedIPs = 10.8.0.1/32
            """
        expect(try Patient(text), .peerKeyIsOwn, "wg0.conf:4")
        expect(absent(try Patient(text)), .peerKeyIsOwn, "show INTERFACE public-key", others: [.interfaceNotUp])
    }

    @Test func privateKeyAsPeerStaysSecret() throws {
        let patient = try Patient(
            """
            [Interface]
            PrivateKey = OWN
            Address = 10.8.0.2/24
            [Peer]
            PublicKey = OWN
            AllowedIPs = 10.8.0.1/32
            """)
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
            """
            [Interface]
            PrivateKey = OWN
            Address = 10.8.0.1/24
            [Peer]
            PublicKey = PEER
            # ClientPrivateKey = OWN
            AllowedIPs = 10.8.0.2/32
            """
        expect(try Patient(text), .keptKeyDiffers, "wg0.conf:4")
    }

    @Test func duplicatePeer() throws {
        let patient = try Patient(
            """
            [Interface]
            PrivateKey = OWN
            Address = 10.8.0.1/24
            [Peer]
            PublicKey = PEER
            AllowedIPs = 10.8.0.2/32
            [Peer]
            PublicKey = PEER
            AllowedIPs = 10.8.0.3/32
            """
        )
        expect(patient, .duplicatePeer, "wg0.conf:7")
    }

    // MARK: - Allowed IPs

    @Test func noAllowedIPs() throws {
        let patient = try Patient(
            """
            [Interface]
            PrivateKey = OWN
            Address = 10.8.0.1/24
            [Peer]
            # Name = laptop
            PublicKey = PEER
            """)
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
            """
            [Interface]
            PrivateKey = OWN
            Address = 10.8.0.2/24
            ListenPort = 4
            [Peer]
            # Name = server
            PublicKey = PEER
            Endpoint = 192.0.2.1:51820
            AllowedIPs = 10.8.0.0/24, 10.9.0.0/24
            PresharedKey = OWN
            PersistentKeepalive = 25
            [Peer]
            PublicKey = OTHER
            AllowedIPs = 10.7.0.0/24
            """
        )
        let findings = patient.findings
        #expect(findings.map(\.code) == [.differsFromFile, .differsFromFile, .differsFromFile])
        #expect(findings[0].evidence == ["ListenPort in use is 40000; the file says 4"])
        let networks = "AllowedIPs in use are 10.8.0.0/24; the file says 10.8.0.0/24, 10.9.0.0/24"
        #expect(findings[1].evidence.contains(networks))
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
}
