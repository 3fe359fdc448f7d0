import Control
import Foundation
import Glibc
import NoisePrimitives
import Quick
import TestKit
import Testing
import Wire

@testable import Setup

/// A directory of configuration files, and one for journals, that go with the test.
final class Desk {
    let directory: String
    let surroundings: Surroundings
    let random = SeededRandom(seed: 7)

    init() throws {
        var template = Array("/tmp/nightjar-setup-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw QuickError("no directory for a test") }
        directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        surroundings = Surroundings(
            console: Console(program: "nightjar", descriptor: -1), environment: [:],
            directory: "\(directory)/run/quick", configurationDirectory: "\(directory)/conf")
        for name in ["run", "conf"] { mkdir("\(directory)/\(name)", 0o700) }
    }

    deinit {
        try? FileManager.default.removeItem(atPath: directory)
    }

    func path(_ interface: String = "wgtest") -> String { "\(directory)/conf/\(interface).conf" }

    func write(_ text: String, interface: String = "wgtest") throws {
        try write(Array(text.utf8), interface: interface)
    }

    func write(_ bytes: [UInt8], interface: String = "wgtest") throws {
        try Data(bytes).write(to: URL(filePath: path(interface)))
        chmod(path(interface), 0o600)
    }

    func text(_ interface: String = "wgtest") -> String { String(decoding: bytes(interface), as: UTF8.self) }

    func bytes(_ interface: String = "wgtest") -> [UInt8] {
        Array(FileManager.default.contents(atPath: path(interface)) ?? Data())
    }

    func edit(_ interface: String = "wgtest") throws -> ConfigurationEdit {
        try ConfigurationEdit(interface, surroundings)
    }

    @discardableResult
    func add(_ name: String, _ change: (inout NewPeer) -> Void = { _ in }) throws -> NewPeer.Outcome {
        var peer = NewPeer(name: name, now: 1_795_429_230)
        change(&peer)
        let edit = try edit()
        return try NewPeer.commit(try peer.plan(edit, random) { _ in [] }, edit)
    }

    func change(_ edit: PeerEdit, _ name: String) throws {
        _ = try edit.run(name, try self.edit())
    }

    /// A machine like many: a default route, an address in a home network, and a name server.
    static let machine = Machine(
        networks: prefixes("192.168.1.0/24", "172.17.0.0/16"), address: IPAddress("192.168.1.5"), hasIPv6: true,
        nameServers: ["192.168.1.1"].compactMap { IPAddress($0) })

    /// A server's file with a peer made by hand.
    static let server = """
        # my server
        [Interface]
        # ClientEndpoint = vpn.example.org:51820
        # Forwarding = nat
        Address = 10.8.0.1/24, fd08::1/64   # inside
        ListenPort = 51820
        PrivateKey = YAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=

        # Bob, by hand
        [Peer]
        # Name = bob
        PublicKey = xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=
        AllowedIPs = 10.8.0.2/32

        """
}

func prefixes(_ texts: String...) -> [Prefix] { texts.compactMap { Prefix($0) } }

/// What an error says; empty when there is none.
func complaint(_ body: () throws -> Void) -> String {
    do {
        try body()
        return ""
    } catch {
        return "\(error)"
    }
}

enum X25519Pair {
    static func matches(_ secret: Secret32?, _ key: PublicKey) -> Bool {
        secret.map { X25519.publicKey(of: $0) == key } ?? false
    }
}

enum SystemRandom {
    static func source() -> any RandomSource { SystemRandomSource() }
}
