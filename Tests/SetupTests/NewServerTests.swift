import Control
import Foundation
import Glibc
import Quick
import TestKit
import Testing
import Wire

@testable import Setup

@Suite struct NewServerTests {
    private func made(
        _ desk: Desk, _ machine: Machine = Desk.machine, _ change: (inout NewServer) -> Void = { _ in }
    ) throws -> NewServer.Outcome {
        var server = NewServer()
        server.target = "wgtest"
        change(&server)
        return try server.run(desk.surroundings, machine, desk.random)
    }

    @Test func theFileIsWholeAndForItsOwner() throws {
        let desk = try Desk()
        let outcome = try made(desk)
        #expect(outcome.notes.count == 1 && outcome.notes[0].contains("192.168.1.5 is a private address"))
        var status = stat()
        #expect(stat(desk.path(), &status) == 0 && status.st_mode & 0o777 == 0o600)
        let file = try ConfigurationFile(parsing: desk.bytes(), name: "", dialect: .quick)
        #expect(file.interface.addresses == outcome.addresses && outcome.addresses.count == 2)
        #expect(file.interface.listenPort == outcome.port)
        let text = desk.text()
        #expect(text.contains("# ClientEndpoint = 192.168.1.5:\(outcome.port)\n"))
        #expect(text.contains("# ClientDNS = 192.168.1.1\n# Forwarding = nat\n"))
        // What was made is what can be added to.
        #expect(try desk.add("laptop").addresses.count == 2)
        #expect(complaint { _ = try made(desk) }.contains("exists already, and stays as it is"))
    }

    @Test func networksDontOverlapWhatIsThere() throws {
        let random = SeededRandom(seed: 3)
        var taken = Desk.machine.networks
        for _ in 0..<300 {
            let v4 = try #require(FreeNetwork.ipv4(notIn: taken, random)?.network)
            let v6 = try #require(FreeNetwork.ipv6(notIn: taken, random)?.network)
            #expect(!taken.contains { $0.overlaps(v4) || $0.overlaps(v6) })
            #expect(v6.length == 64 && Prefix("fd00::/8")?.holds(v6) == true)
            taken += [v4, v6]
        }
        taken = prefixes("10.0.0.0/8")
        #expect(FreeNetwork.ipv4(notIn: taken, random).map { "\($0)" } == "172.16.0.1/24")
        taken += prefixes("172.16.0.0/12", "192.168.0.0/17")
        #expect(FreeNetwork.ipv4(notIn: taken, random).map { "\($0)" } == "192.168.128.1/24")
        taken += prefixes("192.168.0.0/16")
        #expect(FreeNetwork.ipv4(notIn: taken, random) == nil)
        // A default route in halves isn't in the way.
        #expect(FreeNetwork.taken(routes: prefixes("0.0.0.0/1", "128.0.0.0/1", "::/0"), addresses: []).isEmpty)
    }

    @Test func otherFilesCountAsWell() throws {
        let desk = try Desk()
        try desk.write("[Interface]\nAddress = 10.0.0.0/9\nListenPort = 51820\n", interface: "other")
        let outcome = try made(desk)
        #expect(outcome.port != 51820)
        #expect(
            outcome.addresses.allSatisfy { Prefix("10.0.0.0/9")?.holds($0.network ?? Prefix("10.0.0.0/32")!) == false })
    }

    @Test func choices() throws {
        let desk = try Desk()
        let outcome = try made(desk) {
            $0.subnets = ["10.8.0.0/16", "fd08::5/64"].compactMap { InterfaceAddress($0) }
            $0.endpoint = "vpn.example.org"
            $0.dns = []
            $0.forwarding = .off
        }
        #expect(outcome.addresses.map { "\($0)" } == ["10.8.0.1/16", "fd08::5/64"])
        #expect("\(outcome.endpoint)" == "vpn.example.org:\(outcome.port)")
        #expect(outcome.notes == [])
        // Without forwarding a peer sends into the tunnel what is meant for it.
        let client = try ConfigurationFile(parsing: try desk.add("a").file, name: "", dialect: .quick)
        #expect(client.peers[0].prefixes == prefixes("10.8.0.0/16", "fd08::/64"))
    }

    @Test func refusals() throws {
        let desk = try Desk()
        func refused(_ words: String, _ machine: Machine = Desk.machine, _ change: (inout NewServer) -> Void) throws {
            let sentence = complaint { _ = try made(desk, machine, change) }
            #expect(sentence.contains(words), "\(sentence)")
            #expect(try FileManager.default.contentsOfDirectory(atPath: "\(desk.directory)/conf") == [])
        }
        try refused("no room for a server and a peer") {
            $0.subnets = [InterfaceAddress("10.8.0.1/32")].compactMap(\.self)
        }
        try refused("neither a name nor an address") { $0.endpoint = "http://x/" }
        try refused("must be a valid interface name") {
            $0.target = "\(desk.directory)/conf/too-long-for-an-interface.conf"
        }
        try refused("must be a valid interface name") { $0.target = "./x" }
        try refused("UDP port 0 is used") { $0.port = 0 }
        let alone = Machine(networks: [], address: nil, hasIPv6: false, nameServers: [])
        try refused("no default route", alone) { _ in }
        try refused("is used by another program") { server in
            server.port = try? UDPPort.taken()
        }
    }

    @Test func withoutIPv6() throws {
        let desk = try Desk()
        var machine = Desk.machine
        machine.hasIPv6 = false
        #expect(try made(desk, machine).addresses.count == 1)
        let client = try ConfigurationFile(parsing: try desk.add("a").file, name: "", dialect: .quick)
        #expect(client.peers[0].prefixes == prefixes("0.0.0.0/0"))
    }
}

/// A port that is taken for the rest of the run.
private enum UDPPort {
    static func taken() throws -> UInt16 {
        let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 ? getsockname(descriptor, $0, &length) : -1
            }
        }
        guard code == 0 else { throw QuickError("no port") }
        return UInt16(bigEndian: address.sin_port)
    }
}
