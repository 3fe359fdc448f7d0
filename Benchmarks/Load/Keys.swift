import ArgumentParser
import Glibc
import NoisePrimitives
import Wire

/// Makes the peers of ``Handshakes``.
struct Keys: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make peers: private keys into a file, the configuration that 'wg addconf' takes to standard output.")

    @Option(help: "How many, at most 65536.")
    var peers = 2000

    @Argument(help: "The file for the private keys, which must not exist.")
    var secrets: String

    func validate() throws {
        guard (1...65_536).contains(peers) else { throw ValidationError("--peers is a number from 1 to 65536.") }
    }

    func run() throws {
        let keys = (0..<peers).map { _ in SystemRandomSource().secret() }
        try write(keys)
        for (index, key) in keys.enumerated() {
            print("[Peer]")
            print("PublicKey = \(X25519.publicKey(of: key).base64)")
            print("AllowedIPs = \(IPv4Address(0x0a40_0000 + UInt32(index)))/32")
        }
    }

    private func write(_ keys: [Secret32]) throws {
        let file = open(secrets, O_WRONLY | O_CREAT | O_EXCL, 0o600)
        guard file >= 0 else { throw Failure.call("create \(secrets)") }
        defer { close(file) }
        for key in keys {
            guard key.withUnsafeBytes({ Glibc.write(file, $0.baseAddress, $0.count) }) == Bytes32.count else {
                throw Failure.call("write \(secrets)")
            }
        }
    }

    /// The private keys in the file at `path`.
    static func read(_ path: String) throws -> [Secret32] {
        let file = open(path, O_RDONLY)
        guard file >= 0 else { throw Failure.call("open \(path)") }
        defer { close(file) }
        var keys: [Secret32] = []
        var count = 0
        repeat {
            let key = Secret32 { count = Glibc.read(file, $0.baseAddress, $0.count) }
            if count == Bytes32.count { keys.append(key) }
        } while count == Bytes32.count
        guard count == 0, !keys.isEmpty else { throw Failure("\(path) holds no keys") }
        return keys
    }
}
