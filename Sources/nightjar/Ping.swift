import ArgumentParser
import Control
import Doctor
import Glibc

struct PingPeer: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ping",
        abstract: "Reach a peer, layer by layer: name, route, UDP, handshake, packets through the tunnel.",
        discussion: """
            Says which layer answered, and which didn't. Answers come through the tunnel, so nobody but the peer can give \
            them. The exit code is 0 when the peer was reached, 1 when not, and 2 when there is no such peer.
            """)

    @Option(name: .shortAndLong, help: "How many packets to send through the tunnel.")
    var count = 4

    @Option(name: .shortAndLong, help: "The peer's interface; not needed where the peer's name is the only one.")
    var interface: String?

    @Argument(help: "The peer's name, public key or address, or an interface with one peer.", completion: .peer)
    var peer: String

    func validate() throws {
        guard (1...100_000).contains(count) else { throw ValidationError("--count takes a number from 1 to 100000") }
    }

    func run() throws {
        let console = StandardConsole()
        do {
            guard geteuid() == 0 else { throw PingNeedsRoot(peer: peer) }
            let ping = Ping(count: count, surroundings()) { try? console.write(Array("\($0)\n".utf8)) }
            if try ping.run(peer, interface: interface) == .notReached { Glibc.exit(1) }
        } catch {
            complain("nightjar: \(error)")
            Glibc.exit(2)
        }
    }
}

private struct PingNeedsRoot: Error, CustomStringConvertible {
    let peer: String
    var description: String { "this needs root: sudo nightjar ping \(peer)" }
}
