import ArgumentParser
import Control
import FoundationEssentials
import Glibc
import Inspection
import LinuxNet
import Quick

struct Inspect: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Tell what a box in the middle can see in captured or live traffic.",
        discussion: """
            Reads a pcap or pcapng file, or listens on an interface until Ctrl-C. Says of each flow whether the rules of \
            known programs recognise WireGuard in it, which bytes, sizes and times give it away, and which disguises it \
            wears; then asks tshark and ndpiReader, where they are installed.

            Exit code: 0 when nothing is recognised, 1 when something is, 2 when there is nothing to read.
            """)

    @Option(name: .shortAndLong, help: "Listen on this interface.")
    var interface: String?

    @Option(help: "Listen for so long; until Ctrl-C unless told.")
    var seconds: Double?

    @Option(help: "Listen until so many packets have passed.")
    var packets: Int?

    @Flag(help: "Print all of it as JSON.")
    var json = false

    @Argument(
        help: "A pcap or pcapng file; - is the standard input.",
        completion: .file(extensions: ["pcap", "pcapng", "cap"]))
    var file: String?

    func validate() throws {
        guard (file == nil) != (interface == nil) else {
            throw ValidationError("Name either a capture file or an --interface.")
        }
        guard interface != nil || seconds == nil && packets == nil else {
            throw ValidationError("--seconds and --packets belong to --interface.")
        }
        guard (seconds ?? 1) > 0, (seconds ?? 1) <= 1e9, (packets ?? 1) > 0 else {
            throw ValidationError("--seconds and --packets must be above zero.")
        }
    }

    func run() throws {
        let isRecognised: Bool
        do {
            if let interface {
                isRecognised = try listen(interface)
            } else {
                let path = file == "-" ? "/dev/stdin" : file ?? ""
                var table = FlowTable()
                let remarks = try CaptureFile.read(path, into: &table)
                isRecognised = finish(table, remarks, source: file ?? "", capture: file == "-" ? nil : path)
            }
        } catch {
            complain("nightjar: \(error)")
            throw ExitCode(2)
        }
        if isRecognised { throw ExitCode(1) }
    }

    private func listen(_ interface: String) throws -> Bool {
        var table = FlowTable()
        let environment = environmentVariables()
        let signals = try Signals([SIGINT, SIGTERM, SIGHUP])
        var capture = try LiveCapture(interface: interface)
        // Other programs get a copy of their own, if there are any.
        let hasDetectors = DetectorProgram.allCases.contains { Program($0.rawValue, environment: environment) != nil }
        let copy = hasDetectors ? try PcapFileWriter(directory: environment["TMPDIR"] ?? "/tmp") : nil
        let deadline = seconds.map { Clock.bootTime() + UInt64($0 * 1e9) }
        try capture.run(until: deadline, limit: packets, signals: signals) { packet in
            table.see(packet)
            copy?.append(packet)
        }
        let lost = capture.lostPackets()
        try copy?.flush()
        // The copy goes with its owner.
        return withExtendedLifetime(copy) {
            finish(
                table, lost > 0 ? ["\(lost) packets came too fast to be read."] : [], source: interface,
                capture: copy?.path)
        }
    }

    /// Prints the report; returns whether something was recognised.
    private func finish(_ table: FlowTable, _ remarks: [String], source: String, capture: String?) -> Bool {
        var report = Report(table, remarks: remarks)
        if let capture { report.detectors = answers(capture, flows: report.flows.count { $0.transport == .udp }) }
        if json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            let data = (try? encoder.encode(report)) ?? Data()
            try? StandardConsole().write(Array(data) + [UInt8(ascii: "\n")])
        } else {
            try? StandardConsole().write(Array(report.text(of: source).utf8))
        }
        return report.isRecognised
    }

    private func answers(_ capture: String, flows: Int) -> [DetectorAnswer] {
        let environment = environmentVariables()
        return DetectorProgram.allCases.compactMap { detector in
            guard let program = Program(detector.rawValue, environment: environment) else { return nil }
            let result = try? program.run(detector.arguments(capture: capture), environment: environment)
            return detector.answer(status: result?.status ?? 127, output: result?.output ?? "", flows: flows)
        }
    }
}
