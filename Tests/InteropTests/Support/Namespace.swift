import Foundation

/// A network namespace of a lab.
final class Namespace {
    let name: String
    unowned let lab: Lab

    init(name: String, lab: Lab) {
        self.name = name
        self.lab = lab
    }

    /// Runs a command in the namespace; see ``Lab/run(_:environment:input:timeout:mayFail:)``.
    @discardableResult
    func run(
        _ words: [String], environment: [String: String] = [:], input: String = "",
        timeout: Duration = .seconds(15), mayFail: Bool = false
    ) async throws -> CommandResult {
        try await lab.run(
            prefix + words, environment: environment, input: input, timeout: timeout, mayFail: mayFail)
    }

    /// Runs a command given as one line, words parted by spaces.
    @discardableResult
    func run(_ line: String, mayFail: Bool = false) async throws -> CommandResult {
        try await run(line.split(separator: " ").map(String.init), mayFail: mayFail)
    }

    /// Starts a command in the namespace, which is ended with the lab.
    func start(
        _ words: [String], environment: [String: String] = [:], log title: String? = nil
    ) throws -> Child {
        try lab.start(prefix + words, environment: environment, log: title)
    }

    /// Runs lines of `ip`, in order.
    func ip(_ lines: String...) async throws {
        try await ip(lines)
    }

    func ip(_ lines: [String]) async throws {
        let file = try lab.write(lines.joined(separator: "\n") + "\n", name: "ip")
        try await lab.run(["ip", "-n", name, "-batch", file])
    }

    /// Sets `net.` variables, as `ipv4.ip_forward=1`.
    func sysctl(_ settings: String...) async throws {
        try await run(["sysctl", "-qw"] + settings.map { "net." + $0 })
    }

    /// Whether a link of this name exists.
    func hasLink(_ device: String) async throws -> Bool {
        try await run("ip link show dev \(device)", mayFail: true).status == 0
    }

    /// The bound UDP ports.
    func udpPorts() async throws -> Set<UInt16> {
        let lines = try await run("ss -Hlun").output.split(separator: "\n")
        return Set(
            lines.compactMap { line in
                let columns = line.split(separator: " ")
                guard columns.count > 3, let colon = columns[3].lastIndex(of: ":") else { return nil }
                return UInt16(columns[3][columns[3].index(after: colon)...])
            })
    }

    /// A counter of the kernel, as `IpFragCreates`, since the namespace was made.
    func counter(_ name: String) async throws -> Int {
        let line = try await run("nstat -asz \(name)").output.split(separator: "\n").last ?? ""
        let columns = line.split(separator: " ")
        guard columns.count > 1, let value = Int(columns[1]) else { throw Failure("nstat doesn't know \(name)") }
        return value
    }

    /// The identifiers of processes in the namespace.
    func processes() async throws -> [Int32] {
        try await lab.run(["ip", "netns", "pids", name]).output.split(separator: "\n").compactMap { Int32($0) }
    }

    private var prefix: [String] { ["ip", "netns", "exec", name] }
}
