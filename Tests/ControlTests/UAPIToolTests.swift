import Control
import Foundation
import Glibc
import Synchronization
import Testing
import Tunnel
import Wire

private let tool = "/usr/bin/wg"
private let canRun = geteuid() == 0 && access(tool, X_OK) == 0

/// The real `wg` against a server on the real path, with a target that only remembers.
@Suite("UAPI with the wg tool", .enabled(if: canRun, "needs root and wg"))
struct UAPIToolTests {
    private static let count = Atomic(0)

    let interface = "njt\(getpid())_\(Self.count.wrappingAdd(1, ordering: .relaxed).newValue)"
    let loop = PollLoop()
    let target = FakeTarget()
    let server: UAPIServer

    init() throws {
        server = UAPIServer(
            socket: try UAPISocket(interface: interface), loop: loop, target: target, onRemoval: {})
        server.start()
    }

    @Test("wg show dump shows the status")
    func dump() throws {
        defer { server.stop() }
        target.current = try sampleStatus()
        target.current.peers[1].endpoint = Endpoint(.v6(IPv6Address(high: 0x2001_0db8 << 32, low: 1)), port: 65535)
        target.current.peers[2].endpoint?.scope = if_nametoindex("lo")
        let (status, output) = try wg("show", interface, "dump")
        #expect(status == 0)
        let lines = output.split(separator: "\n").map { $0.split(separator: "\t").map(String.init) }
        #expect(lines.count == 4)
        #expect(lines.first?.first == publicKey(1).base64)
        #expect(lines.first.map { Array($0.dropFirst(2)) } == ["51820", "0xffffffff"])
        let first = [
            publicKey(2).base64, publicKey(0xab).base64, "192.0.2.1:51820", "10.0.0.0/8,fd00::/8,0.0.0.0/0",
            "1700000000", "1", "18446744073709551615", "25",
        ]
        #expect(lines.dropFirst().first == first)
        let second = [publicKey(1).base64, "(none)", "[2001:db8::1]:65535", "(none)", "0", "0", "0", "off"]
        #expect(lines.dropFirst(2).first == second)
        #expect(lines.last.map { $0[2] } == "[fe80::2%lo]:1")
    }

    @Test("wg show dump of a device without anything")
    func dumpEmpty() throws {
        defer { server.stop() }
        let (status, output) = try wg("show", interface, "dump")
        #expect(status == 0)
        #expect(output == "(none)\t(none)\t0\toff\n")
    }

    @Test("wg set arrives as it was meant")
    func set() throws {
        defer { server.stop() }
        let one = publicKey(1).base64
        let two = publicKey(2).base64
        let arguments = [
            "set", interface, "listen-port", "51820", "fwmark", "0xca6c", "private-key", "/dev/null",
            "peer", one, "endpoint", "[2001:db8::1]:5", "persistent-keepalive", "25",
            "allowed-ips", "10.0.0.0/8,fd00::/8", "preshared-key", "/dev/null",
            "peer", two, "remove",
        ]
        #expect(try wg(arguments).status == 0)
        let zeros = String(repeating: "0", count: 64)
        let expected = """
            private=\(zeros) port=51820 mark=51820 \
            peer=\(String(repeating: "01", count: 32)) preshared=\(zeros) endpoint=[2001:db8::1]:5 keepalive=25 \
            replace-ips +10.0.0.0/8 +fd00::/8 \
            peer=\(String(repeating: "02", count: 32)) remove
            """
        #expect(target.changes.map(describe) == [expected])
        #expect(try wg("set", interface, "peer", two, "endpoint", "[fe80::1%lo]:5").status == 0)
        #expect(
            target.changes.last.map(describe)
                == "peer=\(String(repeating: "02", count: 32)) endpoint=[fe80::1%\(if_nametoindex("lo"))]:5")
        #expect(try wg("set", interface, "peer", two, "allowed-ips", "").status == 0)
        #expect(target.changes.last.map(describe) == "peer=\(String(repeating: "02", count: 32)) replace-ips")
    }

    @Test("wg names the error")
    func failure() throws {
        defer { server.stop() }
        target.result = EADDRINUSE
        let (status, output) = try wg("set", interface, "listen-port", "53")
        #expect(status == 1)
        #expect(output.contains("Unable to modify interface: Address already in use"))
    }

    private func wg(_ arguments: String...) throws -> (status: Int32, output: String) {
        try wg(arguments)
    }

    /// Runs the tool to its end while the loop serves it.
    private func wg(_ arguments: [String]) throws -> (status: Int32, output: String) {
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(fileURLWithPath: tool)
        process.arguments = arguments
        process.standardOutput = pipe
        process.standardError = pipe
        process.standardInput = FileHandle.nullDevice
        try process.run()
        for _ in 0..<1000 where process.isRunning { loop.turn(milliseconds: 10) }
        if process.isRunning {
            process.terminate()
            Issue.record("wg \(arguments) doesn't end")
        }
        process.waitUntilExit()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        return (process.terminationStatus, String(decoding: output, as: UTF8.self))
    }
}
