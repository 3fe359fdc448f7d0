import Foundation

/// Who brings interfaces up from files.
enum QuickTool: String, Sendable {
    /// Debian's `wg-quick`, with `wireguard-go`.
    case stock = "wg-quick"
    case nightjar

    fileprivate func words(_ task: String) throws -> [String] {
        switch self {
        case .stock: [try Tool.path("wg-quick"), task, QuickMachine.interface]
        case .nightjar: [try Engine.nightjar.executable(), task, QuickMachine.interface]
        }
    }
}

/// A machine of its own for `wg-quick` and what takes its place: a network namespace with a private `/etc` and `/run`, so
/// that all machines can have the interface `wg0`. Its `resolvconf` only notes what it is told.
final class QuickMachine {
    static let interface = "wg0"

    let site: Site
    let tool: QuickTool
    private let holder: Child

    private static let noted = "/run/resolvconf.notes"
    /// Where tests find `nft`, also when the machine has none.
    private static let nft = "/run/nft.tests"

    /// - Parameter hasNft: whether the machine has the program `nft`; without it there is only `iptables`.
    init(_ tool: QuickTool, at site: Site, hasNft: Bool = true) async throws {
        self.site = site
        self.tool = tool
        let lab = site.namespace.lab
        let files = lab.path("machine")
        let nft = try Tool.path("nft")
        let programsOfNft = nft.split(separator: "/").dropLast().map { "/\($0)" }.joined()
        // A shell looks for the file alone, so it must not be there.
        let hidesNft = """
            mkdir /run/programs
            mount --bind \(programsOfNft) /run/programs
            mount -t tmpfs tmpfs \(programsOfNft)
            ln -s /run/programs/* \(programsOfNft)
            rm \(nft)
            """
        let script = """
            set -e
            mkdir \(files)
            mount -t tmpfs tmpfs \(files)
            cp -a /etc/. \(files)
            rm -rf \(files)/wireguard \(files)/resolv.conf \(files)/resolvconf
            mkdir -m 700 \(files)/wireguard
            echo nameserver 192.0.2.53 >\(files)/resolv.conf
            mount --bind \(files) /etc
            mount -t tmpfs -o mode=755 tmpfs /run
            cp \(nft) \(Self.nft)
            \(hasNft ? "" : hidesNft)
            echo ready
            exec sleep 3600
            """
        let programs = "\(lab.directory)/bin"
        if access(programs, F_OK) != 0 {
            try FileManager.default.createDirectory(atPath: programs, withIntermediateDirectories: true)
            let resolvconf = try lab.write(
                """
                #!/bin/sh
                echo "$*" >>\(Self.noted)
                [ "$1" != -a ] || cat >>\(Self.noted)

                """, name: "resolvconf")
            // A file that this process writes may be open in a child that another test is just starting, and can't be run then.
            try await lab.run(["install", "-m", "755", resolvconf, "\(programs)/resolvconf"])
        }
        let holder = try site.namespace.start(
            ["unshare", "--mount", "--propagation", "private", "sh", "-c", script])
        self.holder = holder
        let isReady = try await eventually(within: .seconds(10), every: .milliseconds(5)) {
            holder.output.contains("ready") || holder.status() != nil
        }
        guard isReady, holder.status() == nil else { throw Failure("no machine: \(holder.errors)") }
    }

    /// Runs a command on the machine.
    @discardableResult
    func run(
        _ words: [String], environment: [String: String] = [:], input: String = "", timeout: Duration = .seconds(30),
        mayFail: Bool = false
    ) async throws -> CommandResult {
        try await site.namespace.lab.run(
            enter + words, environment: variables(environment), input: input, timeout: timeout, mayFail: mayFail)
    }

    /// Starts a command on the machine, which is ended with the lab.
    func start(_ words: [String], environment: [String: String] = [:]) throws -> Child {
        try site.namespace.lab.start(enter + words, environment: variables(environment))
    }

    private var enter: [String] { ["nsenter", "--target", "\(holder.processID)", "--mount", "--net", "--"] }

    private func variables(_ more: [String: String]) -> [String: String] {
        ["PATH": "\(site.namespace.lab.directory)/bin:\(Tool.searchPath)"].merging(more) { $1 }
    }

    /// Runs a command given as one line, words parted by spaces.
    @discardableResult
    func run(_ line: String, mayFail: Bool = false) async throws -> CommandResult {
        try await run(line.split(separator: " ").map(String.init), mayFail: mayFail)
    }

    /// Writes the file that the interface is brought up from.
    func configure(_ text: String) async throws {
        let file = try site.namespace.lab.write(text + "\n", name: "conf")
        try await run(["install", "-m", "600", file, "/etc/wireguard/\(Self.interface).conf"])
    }

    /// Runs the machine's tool: `up`, `down`, `save`, `strip`.
    @discardableResult
    func quick(_ task: String, mayFail: Bool = false) async throws -> CommandResult {
        try await run(try tool.words(task), mayFail: mayFail)
    }

    /// Ends the interface's daemon as a crash would, and waits until the interface is gone.
    func crash() async throws {
        for process in try await site.namespace.processes() {
            let program = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(process)/exe")
            if program?.hasSuffix("/nightjar") == true { kill(process, SIGKILL) }
        }
        let isGone = try await eventually(within: .seconds(30)) {
            try await run("ip link show \(Self.interface)", mayFail: true).status != 0
        }
        guard isGone else { throw Failure("the interface outlives its daemon") }
    }

    /// What `nft` says, whether or not the machine has it.
    func nft(_ line: String) async throws -> String {
        try await run("\(Self.nft) \(line)").output
    }

    /// What `resolvconf` has been told, line by line.
    func nameServerNotes() async throws -> [String] {
        try await run("cat \(Self.noted)", mayFail: true).output.split(separator: "\n").map(String.init)
    }
}
