import Foundation
import TestKit
import Testing

@testable import Inspection

/// The rules that stand for programs say what these programs say, flow by flow.
@Suite("Rules beside the programs they stand for")
struct RealDetectorTests {
    private static let tshark = "/usr/bin/tshark"
    private static let ndpiReader = "/usr/bin/ndpiReader"

    /// Flows of all kinds, told apart by their client's port.
    private static let scenes: [Scene] = {
        let random = SeededRandom(seed: 40)
        let plain = Scene.wireGuard(seconds: 8)
        func lines(_ payloads: [(Side, [UInt8])]) -> Scene {
            Scene(
                lines: payloads.enumerated().map {
                    Scene.Line(time: $0.offset * 50, side: $0.element.0, payload: $0.element.1)
                })
        }
        let index = random.bytes(4)
        let initiation = [1, 0, 0, 0] + index + random.bytes(140)
        var middle = plain
        middle.lines.removeFirst(2)
        var answered = plain
        answered.lines.remove(at: 0)
        var handshakeAlone = plain
        handshakeAlone.lines = Array(plain.lines.prefix(2))
        return [
            plain, middle, answered, handshakeAlone, plain.preceded(by: random.bytes(80)),
            plain.preceded(by: [4, 0, 0, 0] + random.bytes(28)),
            plain.disguised { [$0.payload[0], 7, 8, 9] + $0.payload.dropFirst(4) },
            plain.disguised { $0.payload.xored(with: [0x61]) }, Scene.noise(count: 30, seed: 41),
            lines([(.client, initiation)]), lines([(.client, initiation), (.client, initiation)]),
            lines([(.client, initiation), (.server, [2, 0, 0, 0] + random.bytes(88))]),
            lines([(.client, initiation), (.server, [3, 0, 0, 0] + index + random.bytes(56))]),
            lines([(.client, initiation), (.server, [3, 0, 0, 0] + random.bytes(60))]),
            lines([(.client, initiation + [0])]), lines([(.client, [1, 0, 0, 0] + random.bytes(200))]),
            lines([(.client, [5, 0, 0, 0] + random.bytes(144))]), lines([(.client, [4, 0, 0, 0] + random.bytes(27))]),
            lines((0..<4).map { ($0 % 2 == 0 ? .client : .server, [4, 0, 0, 0] + random.bytes(40)) }),
            lines((0..<4).map { (.client, [4, 0, 0, 0] + index + random.bytes(40 + $0)) }),
        ]
    }()

    private static let capture: [UInt8] = {
        var writer = PcapWriter()
        for (number, scene) in scenes.enumerated() { scene.write(to: &writer, number: UInt16(number)) }
        return writer.bytes
    }()

    @Test("Wireshark's heuristic", .enabled(if: access(tshark, X_OK) == 0, "tshark isn't installed"))
    func wireshark() throws {
        let output = try Self.run(Self.tshark, DetectorProgram.tshark.arguments(capture:))
        let ports = output.split(separator: "\n").filter { $0.contains(" <-> ") }.flatMap(Self.clientPorts)
        #expect(Set(ports) == Self.ports(recognisedBy: .wireshark))
        let answer = DetectorProgram.tshark.answer(status: 0, output: output, flows: Self.scenes.count)
        #expect(answer.recognised == ports.count)
    }

    /// Newer releases have another rule.
    @Test("nDPI's", .enabled(if: access(ndpiReader, X_OK) == 0, "ndpiReader isn't installed"))
    func nDPI() throws {
        let output = try Self.run(Self.ndpiReader) { DetectorProgram.ndpiReader.arguments(capture: $0) + ["-v", "2"] }
        guard output.contains("(4.2.") else { return }
        let ports = output.split(separator: "\n").filter { $0.contains("/WireGuard]") }.flatMap(Self.clientPorts)
        #expect(Set(ports) == Self.ports(recognisedBy: .ndpi42))
        let answer = DetectorProgram.ndpiReader.answer(status: 0, output: output, flows: Self.scenes.count)
        #expect(answer.recognised == ports.count)
    }

    private static func ports(recognisedBy rule: Rule) -> Set<Int> {
        let flows = Report.of(capture).flows.filter { flow in
            flow.findings.contains { $0.rule == rule && $0.verdict == .recognised }
        }
        // Who began isn't always the scene's client.
        return Set(flows.flatMap { clientPorts($0.client[...]) + clientPorts($0.server[...]) })
    }

    /// The client's ports in a line; the server's are below.
    private static func clientPorts(_ line: Substring) -> [Int] {
        line.matches(of: /192\.0\.2\.1:(\d+)/).compactMap { Int($0.1) }
    }

    private static func run(_ program: String, _ arguments: (String) -> [String]) throws -> String {
        let file = FileManager.default.temporaryDirectory.appending(path: "nightjar-\(UUID().uuidString).pcap")
        try Data(capture).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let (process, pipe) = (Process(), Pipe())
        process.executableURL = URL(filePath: program)
        process.arguments = arguments(file.path(percentEncoded: false))
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = pipe
        process.standardError = FileHandle.nullDevice
        try process.run()
        let data = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return String(decoding: data, as: UTF8.self)
    }
}
