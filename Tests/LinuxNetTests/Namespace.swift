import CLinux
import Foundation
import LinuxNet
import Synchronization
import Testing

/// Whether network namespaces and TUN devices can be made here.
let canMakeNetworks = geteuid() == 0 && access("/dev/net/tun", R_OK | W_OK) == 0

extension Trait where Self == ConditionTrait {
    static var needsRoot: Self { .enabled(if: canMakeNetworks, "needs root and /dev/net/tun") }
}

/// A network namespace of its own, with `lo` up, deleted when it goes.
final class Namespace: Sendable {
    private static let prefix = "nj-net-"
    private static let counter = Atomic(0)

    /// Deletes what test runs that crashed or were killed have left.
    private static let removesLeftovers: Void = {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/var/run/netns")) ?? []
        for name in names where name.hasPrefix(prefix) {
            let owner = name.dropFirst(prefix.count).prefix { $0 != "-" }
            guard let process = Int32(owner), kill(process, 0) != 0, errno == ESRCH else { continue }
            _ = try? shell("ip netns del \(name)")
        }
    }()

    let name: String

    init() throws {
        let number = Self.counter.wrappingAdd(1, ordering: .relaxed).newValue
        name = "\(Self.prefix)\(getpid())-\(number)"
        Self.removesLeftovers
        try shell("ip netns add \(name)")
        try shell("ip -n \(name) link set lo up")
    }

    deinit {
        _ = try? shell("ip netns del \(name)")
    }

    /// Runs `ip` inside.
    func ip(_ arguments: String) throws {
        try shell("ip -n \(name) \(arguments)")
    }

    /// Runs a command inside and returns what it prints.
    @discardableResult
    func run(_ command: String) throws -> String {
        try shell("ip netns exec \(name) \(command)")
    }

    /// Runs `body` on a thread that is inside.
    func inside<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) throws -> Value {
        let outcome = Outcome<Value>()
        let path = "/var/run/netns/\(name)"
        let thread = try NativeThread(name: "inside") {
            let result = Result<Value, any Error> {
                let descriptor = open(path, O_RDONLY | O_CLOEXEC)
                defer { close(descriptor) }
                guard clinux_enter_network_namespace(descriptor) == 0 else { throw SystemError(errno, "enter \(path)") }
                return try body()
            }
            outcome.result.withLock { $0 = result }
        }
        thread.join()
        return try #require(outcome.result.withLock { $0 }).get()
    }

    private final class Outcome<Value: Sendable>: Sendable {
        let result = Mutex<Result<Value, any Error>?>(nil)
    }

    /// Joins two new namespaces by a wire: interface `wire` in both, 10.0.0.1 and fd00::1 here, .2 and ::2 there.
    static func pair(mtu: Int = 1500) throws -> (Namespace, Namespace) {
        let left = try Namespace()
        let right = try Namespace()
        try shell(
            "ip link add wire netns \(left.name) mtu \(mtu) type veth peer name wire netns \(right.name) mtu \(mtu)")
        for (namespace, number) in [(left, 1), (right, 2)] {
            try namespace.ip("address add 10.0.0.\(number)/24 dev wire")
            try namespace.ip("-6 address add fd00::\(number)/64 dev wire nodad")
            try namespace.ip("link set wire up")
        }
        return (left, right)
    }
}

struct CommandFailure: Error {
    let command: String
    let output: String
}

/// Runs a command and returns what it prints.
@discardableResult
func shell(_ command: String) throws -> String {
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
    guard process.terminationStatus == 0 else { throw CommandFailure(command: command, output: text) }
    return text
}
