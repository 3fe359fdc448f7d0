import Control
import Glibc
import Testing
import Tunnel
import Wire

@testable import Doctor
@testable import LinuxNet

/// What peers do and what probes have found, and which finding it makes.
struct PeerCheckTests {
    private static let endpoint = Endpoint(.v4(IPv4Address(0xc000_0201)), port: 51820)
    private static let elsewhere = Endpoint(.v4(IPv4Address(0xcb00_7107)), port: 4711)
    private static let moment = Age(milliseconds: 3000)

    private func findings(_ patient: Patient) -> [Finding] {
        Checks.ofPeers.flatMap {
            $0.findings(patient.interface, Facts(host: patient.host, interfaces: [patient.interface]))
        }
    }

    private func expect(
        _ patient: Patient, _ codes: [FindingCode], _ evidence: String = "",
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let found = findings(patient)
        #expect(found.map(\.code) == codes, sourceLocation: sourceLocation)
        let text = found.map { ([$0.summary] + $0.evidence + [$0.remedy]).joined(separator: "\n") }.joined()
        if !evidence.isEmpty { #expect(text.contains(evidence), "\(text)", sourceLocation: sourceLocation) }
        #expect(!found.contains { $0.evidence.isEmpty || $0.remedy.isEmpty }, sourceLocation: sourceLocation)
    }

    /// A client whose server was tried out.
    private func client(_ file: String = "", _ change: (inout PeerProbe) -> Void) throws -> Patient {
        var patient = try Patient.client(peer: file)
        var probe = PeerProbe(isExpected: true, endpoint: Self.endpoint)
        change(&probe)
        patient.interface.probes.peers[Patient.peerKey] = probe
        return patient
    }

    private func silent(
        port: PortProbe.Answer = .silence, other: PortProbe.Answer = .silence, echo: Bool = false,
        isExpected: Bool = true
    ) throws -> Patient {
        try client { probe in
            probe.isExpected = isExpected
            probe.call = .unanswered
            probe.outside = PeerProbe.Outside(port: port, otherPort: other, answersEcho: echo)
        }
    }

    private func refusal(_ reason: NetworkRefusal.Reason, from address: IPAddress? = nil) -> PortProbe.Answer {
        .refused(NetworkRefusal(reason, from: address ?? Self.endpoint.address))
    }

    private func standing(_ reason: DropReason, count: UInt64 = 2, age: Age = moment) -> PeerReport.Refusal {
        PeerReport.Refusal(reason: reason.name, count: count, age: age, endpoint: Self.elsewhere)
    }

    // MARK: - The way

    @Test func healthyPeersAreLeftAlone() throws {
        expect(try Patient.client(), [])
        expect(try Patient.server(), [])
        for echo in [PeerProbe.Echo.untried, .dataOnly, .lifeOnly] {
            expect(
                try client { probe in
                    probe.call = .answered(microseconds: 4000)
                    probe.echo = echo
                    probe.size = .whole
                    probe.pathMTU = 1500
                }, [])
        }
        // A peer that called from somewhere may be away by now.
        expect(try silent(isExpected: false), [])
        expect(try silent(port: refusal(.hostUnreachable), isExpected: false), [])
    }

    @Test func whatPacketsOutsideTell() throws {
        let router = try #require(IPAddress("192.0.2.254"))
        expect(
            try silent(port: refusal(.portUnreachable)), [.portClosed, .noAnswer], "nobody listens on 192.0.2.1:51820")
        expect(
            try silent(port: refusal(.hostUnreachable, from: router)), [.endpointUnroutable, .noAnswer], "192.0.2.254")
        expect(
            try silent(port: refusal(.prohibited, from: router)), [.udpBlocked, .noAnswer], "a firewall on 192.0.2.254")
        expect(try silent(port: .unsent(EPERM)), [.udpBlocked, .noAnswer], "EPERM")
        expect(try silent(echo: true), [.udpBlocked, .noAnswer], "answers ICMP echo")
        expect(try silent(), [.noAnswer], "not even ICMP")
        expect(
            try silent(other: refusal(.portUnreachable), echo: true), [.noAnswer],
            "it refuses other ports, and not 51820")
        // The endpoint's own trouble hides that nothing answers.
        let patient = try silent(port: refusal(.portUnreachable))
        #expect(Diagnosis(interfaces: ["wg0"], findings: findings(patient), blindSpots: []).findings.count == 1)
    }

    @Test func names() throws {
        func named(_ answer: PeerProbe.NameAnswer, _ call: PeerProbe.Call) throws -> Patient {
            try client { probe in
                probe.name = ("vpn.example:51820", answer)
                probe.call = call
            }
        }
        let works = PeerProbe.Call.answered(microseconds: nil)
        expect(try named(.endpoints([Self.endpoint]), works), [])
        expect(try named(.endpoints([Self.elsewhere]), works), [])
        expect(try named(.endpoints([Self.elsewhere]), .unanswered), [.endpointMoved, .noAnswer], "is now 203.0.113.7")
        expect(try named(.failure("Name or service not known"), .unanswered), [.endpointUnresolvable, .noAnswer])
        #expect(findings(try named(.tooSlow, works)).map(\.severity) == [.warning])
        // What a resolver says is nothing for a terminal.
        let text = findings(try named(.failure("\u{1b}[2J"), works)).flatMap(\.evidence).joined()
        #expect(!text.unicodeScalars.contains("\u{1b}"))
    }

    @Test func noEndpoint() throws {
        let text = "[Interface]\nPrivateKey = OWN\n%[Peer]\nPublicKey = PEER\nAllowedIPs = 10.8.0.0/24\n"
        expect(try Patient(text.replacing("%", with: "")), [.noEndpoint], "no Endpoint in this [Peer]")
        // Who has a port waits for calls.
        expect(try Patient(text.replacing("%", with: "ListenPort = 51820\n")), [])
    }

    // MARK: - Handshakes

    @Test func refusals() throws {
        for (reason, code) in [
            (DropReason.initiationReplayed, FindingCode.clockBehind), (.wrongDialect, .obfuscationDiffers),
            (.responseUndecryptable, .presharedKeyDiffers),
        ] {
            func patient(_ change: (inout PeerReport) -> Void) throws -> Patient {
                var patient = try Patient.server()
                patient.report { report in
                    report.peers[0].refusals = [standing(reason)]
                    change(&report.peers[0])
                }
                return patient
            }
            expect(try patient { _ in }, [code], "203.0.113.7:4711")
            // A handshake that has followed, or a long time, makes it a thing of the past.
            expect(try patient { $0.handshake = Age(milliseconds: 1000) }, [])
            expect(try patient { $0.refusals = [standing(reason, age: Age(milliseconds: 3_600_000))] }, [])
            expect(try patient { $0.handshake = Age(milliseconds: 600_000) }, [code])
        }
        expect(try client { $0.call = .undecryptable }, [.presharedKeyDiffers], "this side has no preshared key")
    }

    @Test func callers() throws {
        func patient(_ change: (inout DeviceReport) -> Void) throws -> Patient {
            var patient = try Patient.server()
            patient.changeStatus { $0.peers[0].lastHandshake = WallTime(seconds: 1_700_000_000, nanoseconds: 0) }
            patient.report(change)
            return patient
        }
        let stranger = Patient.publicKey(9)
        let call = DeviceReport.Stranger(publicKey: stranger, endpoint: Self.elsewhere, age: Self.moment)
        expect(try patient { $0.stranger = call }, [.unknownCaller], "PublicKey = \(stranger.base64)")
        expect(try patient { $0.stranger = call }, [.unknownCaller], "perhaps phone")
        expect(
            try patient { $0.misdirected = .init(endpoint: Self.elsewhere, age: Self.moment) }, [.callerHasWrongKey],
            "must be \(Patient.publicKey(1).base64)")
        let mismatch = DeviceReport.Mismatch(
            finding: "S1=30\u{7}", endpoint: Self.elsewhere, age: Self.moment)
        expect(try patient { $0.mismatch = mismatch }, [.obfuscationDiffers], "S1=30\u{fffd}")
        var old = call
        old.age = Age(milliseconds: 86_400_000)
        expect(try patient { $0.stranger = old }, [])
        // The caller has become a peer meanwhile: it has had a handshake from where the stranger was.
        var known = try patient { report in
            report.stranger = call
            report.peers[0].handshake = Age(milliseconds: 500)
        }
        known.changeStatus { $0.peers[0].endpoint = Self.elsewhere }
        expect(known, [])
    }

    @Test func oneDirection() throws {
        var patient = try silent(isExpected: false)
        patient.report { report in
            report.peers[0].unconfirmed = 3
            report.peers[0].unanswered = 1
            report.peers[0].heard = Self.moment
        }
        expect(patient, [.oneDirection], "it has used none of the answers")
    }

    // MARK: - The tunnel

    @Test func packetsThroughTheTunnel() throws {
        let works = PeerProbe.Call.answered(microseconds: 4000)
        expect(
            try client { probe in
                probe.call = works
                probe.echo = .nothing
            }, [.dataDies])
        expect(
            try client { probe in
                probe.call = works
                probe.size = .limited(1232)
            }, [.mtuTooLarge], "MTU = 1232")
        let narrow = try client { probe in
            probe.call = works
            probe.pathMTU = 1400
        }
        expect(narrow, [.mtuTooLarge], "MTU = 1320")
        #expect(findings(narrow).map(\.severity) == [.warning])
    }

    @Test func foreignSources() throws {
        func patient(_ source: String, _ count: UInt64, bytes: UInt64) throws -> Patient {
            var patient = try Patient.server()
            patient.changeStatus { $0.peers[0].receivedBytes = bytes }
            patient.report { report in
                report.peers[0].foreignSources = count
                report.peers[0].foreignSource = IPAddress(source)
            }
            return patient
        }
        expect(try patient("10.8.0.9", 3, bytes: 600), [.sourceNotAllowed], "10.8.0.9/32")
        // Some packets that were under way when the tunnel came up; a link's own business.
        expect(try patient("192.168.1.5", 3, bytes: 600), [])
        expect(try patient("10.8.0.9", 3, bytes: 1 << 20), [])
        expect(try patient("fe80::1", 100, bytes: 20_000), [])
        let network = try patient("192.168.1.5", 40, bytes: 1 << 20)
        expect(network, [.sourceNotAllowed], "accepted from laptop: 10.8.0.2/32")
        #expect(findings(network).map(\.severity) == [.warning])
        _ = findings(try patient("10.8.0.9", .max, bytes: .max))
    }

    @Test func keepalive() throws {
        var patient = try Patient(
            """
            [Interface]
            PrivateKey = OWN
            Address = 10.8.0.2/24
            ListenPort = 51820
            [Peer]
            PublicKey = PEER
            Endpoint = 198.51.100.9:51820
            AllowedIPs = 10.8.0.0/24
            """)
        let address = try #require(IPAddress("198.51.100.9"))
        patient.host.ways[WayQuestion(address)] = Way(interface: "eth0", source: IPAddress("192.168.1.5"))
        var probe = PeerProbe(isExpected: true, endpoint: Endpoint(address, port: 51820))
        probe.call = .answered(microseconds: 1)
        patient.interface.probes.peers[Patient.peerKey] = probe
        expect(patient, [.noKeepalive], "192.168.1.5 is a private address")
        patient.changeStatus { $0.peers[0].persistentKeepalive = 25 }
        expect(patient, [])

        var forgotten = try silent(port: refusal(.portUnreachable), isExpected: false)
        forgotten.report { $0.peers[0].unanswered = 2 }
        expect(forgotten, [.noKeepalive], "2 calls")
    }

    @Test func limits() throws {
        var patient = try Patient.server()
        patient.report { $0.peers[1].suspension = .expired }
        expect(patient, [.peerExpired], "nightjar renew phone")
        patient.report { report in
            report.peers[1].suspension = .overQuota
            report.peers[1].receivedTotal = .max
            report.peers[1].transmittedTotal = .max
        }
        expect(patient, [.peerOverQuota])
    }

    /// A private key in the wrong place isn't shown.
    @Test func secrets() throws {
        var patient = try Patient.client()
        let key = PublicKey(Patient.ownKey.bytes)
        patient.changeStatus { $0.peers[0].publicKey = key }
        var probe = PeerProbe(isExpected: true, endpoint: Self.endpoint)
        probe.call = .unanswered
        probe.name = ("vpn.example:1", .endpoints([Self.elsewhere]))
        patient.interface.probes.peers[key] = probe
        let text = findings(patient).map { "\($0)" }.joined()
        #expect(!text.isEmpty && !text.contains(key.base64))
    }
}
