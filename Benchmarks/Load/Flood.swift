import ArgumentParser
import Glibc
import Wire

/// Sends junk initiations that a responder can only refuse after an X25519, however many it answers or drops.
struct Flood: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Flood a device with junk initiations whose first MAC is right; prints how many a second went.")

    @OptionGroup var target: Target

    @Option(help: "Initiations a second.")
    var rate: Int

    @Option(help: "Seconds to flood.")
    var seconds: Int

    func validate() throws {
        guard (1...10_000_000).contains(rate), (1...3600).contains(seconds) else {
            throw ValidationError("--rate goes to 10000000, --seconds to 3600.")
        }
    }

    func run() throws {
        let junk = Initiations.junk(for: target.publicKey, count: 16_384)
        let socket = try Socket(to: target.to)
        let start = now()
        var sent = 0
        var elapsed = 0.0
        while elapsed < Double(seconds) {
            let due = Int(elapsed * Double(rate)) - sent
            if due > 0 {
                let first = sent % junk.count
                sent += try junk.send(from: first, count: min(due, batch, junk.count - first), on: socket)
            } else {
                usleep(pause)
            }
            elapsed = now() - start
        }
        print(text(Double(sent) / elapsed, decimals: 0))
    }

    /// Datagrams in one system call.
    private var batch: Int { 64 }
    /// Microseconds between looks at what is due.
    private var pause: UInt32 { 500 }
}

/// Holds a UDP port open and never reads it: what a flood costs that nobody looks at.
struct Sink: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Hold a UDP port open until killed, and never read it.")

    @Argument(help: "The port.")
    var port: UInt16

    func run() throws {
        let socket = try Socket(port: port)
        withExtendedLifetime(socket) {
            while true { pause() }
        }
    }
}
