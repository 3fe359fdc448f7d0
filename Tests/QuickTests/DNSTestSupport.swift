import Foundation
import Glibc
import LinuxNet
import Testing
import Wire

@testable import Quick

/// A directory that goes with this value.
final class DNSFolder {
    let path: String
    private var mounts: [String] = []

    init() {
        var template = Array("/tmp/nightjar-dns-XXXXXX".utf8CString)
        precondition(mkdtemp(&template) != nil)
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        for mount in mounts { _ = try? Self.run("umount -l '\(mount)'") }
        _ = try? Self.run("chattr -i '\(path)'/* 2>/dev/null")
        try? FileManager.default.removeItem(atPath: path)
    }

    subscript(name: String) -> String { "\(path)/\(name)" }

    func write(_ name: String, _ text: String, mode: mode_t = 0o644) throws {
        try text.write(toFile: self[name], atomically: false, encoding: .utf8)
        chmod(self[name], mode)
    }

    /// The content; nil when there is no such file.
    func text(_ name: String) -> String? {
        FileManager.default.contents(atPath: self[name]).map { String(decoding: $0, as: UTF8.self) }
    }

    var names: [String] { FileAccess.names(in: path).filter { $0 != "." && $0 != ".." } }

    /// Mounts one file of the folder over another one.
    func mount(_ source: String, over target: String) throws {
        try Self.run("mount --bind '\(self[source])' '\(self[target])'")
        mounts.append(self[target])
    }

    /// A system whose resolv.conf is in this folder, with no bus and with the programs in `bin`.
    var system: DNSSystem {
        var system = DNSSystem(environment: [
            "PATH": self["bin"], "DBUS_SYSTEM_BUS_ADDRESS": "unix:path=\(self["bus"])",
        ])
        system.resolvConf = self["resolv.conf"]
        system.spareDirectory = self["spare/dns"]
        system.interfaceOrder = self["interface-order"]
        return system
    }

    /// Puts a program there, which is a shell script.
    func program(_ name: String, _ script: String) throws {
        try FileManager.default.createDirectory(atPath: self["bin"], withIntermediateDirectories: true)
        try write("bin/\(name)", "#!/bin/sh\n\(script)\n", mode: 0o755)
    }

    @discardableResult
    static func run(_ command: String) throws -> String {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", "exec 2>&1; \(command)"]
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        let text = String(decoding: data, as: UTF8.self)
        guard process.terminationStatus == 0 else { throw DNSError("\(command): \(text)") }
        return text
    }
}

func address(_ text: String) -> IPAddress {
    IPAddress(text) ?? .v4(IPv4Address(0))
}

func setting(
    _ interface: String = "wg0", _ servers: [String] = ["10.0.0.1"], search: [String] = [], index: UInt32 = 0,
    all: Bool = true
) -> DNSSetting {
    DNSSetting(
        interface: interface, interfaceIndex: index, servers: servers.map(address), searchDomains: search,
        takesAllNames: all)
}
