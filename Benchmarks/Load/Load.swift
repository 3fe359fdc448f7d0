import ArgumentParser
import Glibc
import Wire

/// What the benchmarks need a program of their own for: traffic that no stock tool makes, and a look into the tables.
@main
struct Load: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Makes the load of Nightjar's benchmarks.",
        subcommands: [Keys.self, Handshakes.self, Flood.self, Sink.self, Lookups.self])
}

/// The WireGuard device that a command sends to.
struct Target: ParsableArguments {
    @Option(help: "Its address and UDP port, as 192.0.2.1:51820.")
    var to: UDPAddress

    @Option(help: "Its public key, in base64.")
    var publicKey: PublicKey
}

/// An IPv4 address and a UDP port.
struct UDPAddress: ExpressibleByArgument {
    let address: IPv4Address
    let port: UInt16

    init(_ address: IPv4Address, port: UInt16) {
        self.address = address
        self.port = port
    }

    init?(argument: String) {
        let parts = argument.split(separator: ":")
        guard parts.count == 2, let address = IPv4Address(parts[0]), let port = UInt16(parts[1]) else { return nil }
        self.init(address, port: port)
    }
}

extension PublicKey: ExpressibleByArgument {
    public init?(argument: String) {
        guard let bytes = Base64.decode(argument.utf8) else { return nil }
        self.init(bytes)
    }
}

/// A command that can't go on, with the reason for a person.
struct Failure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }

    /// A system call that failed just now; `attempt` follows "cannot".
    static func call(_ attempt: String) -> Failure {
        let reason = strerror(errno).map { String(cString: $0) } ?? "unknown error"
        return Failure("cannot \(attempt): \(reason)")
    }
}

/// Seconds since the machine started.
func now() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

/// Waits until ``now()`` is `moment`.
func sleep(until moment: Double) {
    let seconds = moment - now()
    if seconds > 0 { usleep(UInt32(seconds * 1e6)) }
}

/// `value` with `decimals` places.
func text(_ value: Double, decimals: Int) -> String {
    let scale = (0..<decimals).reduce(1.0) { scale, _ in scale * 10 }
    let rounded = Int((value * scale).rounded())
    guard decimals > 0 else { return String(rounded) }
    let fraction = String(rounded % Int(scale))
    return "\(rounded / Int(scale)).\(String(repeating: "0", count: decimals - fraction.count))\(fraction)"
}
