import Glibc
import LinuxNet
import NoisePrimitives
import Wire

extension WgCommand {
    /// `genkey` and `genpsk`.
    func generate(_ subcommand: Subcommand, _ arguments: [String]) throws {
        guard arguments.isEmpty else { throw Failure(usage(of: subcommand)) }
        if console.isWorldAccessible {
            console.complain("Warning: writing to world accessible file.")
            console.complain("Consider setting the umask to 077 and trying again.")
        }
        let random = SystemRandomSource()
        let secret = Secret32 { bytes in
            random.fill(bytes)
            guard subcommand == .genkey, let start = bytes.baseAddress else { return }
            var key = X25519.clamp(Bytes32(loading: start))
            key.store(to: start)
            key.withUnsafeMutableBytes { $0.wipe() }
        }
        var line: [UInt8] = []
        line.reserveCapacity(Base64.keyLength + 1)
        line.append(secret)
        line.append(UInt8(ascii: "\n"))
        defer { line.wipe() }
        try console.write(line)
    }

    func printPublicKey(_ arguments: [String]) throws {
        guard arguments.isEmpty else { throw Failure(usage(of: .pubkey)) }
        var text = try console.read(limit: 64 << 10)
        defer { text.wipe() }
        let rest = text.dropFirst(Base64.keyLength)
        guard var bytes = Base64.decode(text.prefix(Base64.keyLength)) else {
            throw Failure("\(program): Key is not the correct length or format")
        }
        defer { bytes.withUnsafeMutableBytes { $0.wipe() } }
        guard rest.allSatisfy({ isSpace($0) || $0 == 0 }) else {
            throw Failure("\(program): Trailing characters found after key")
        }
        try print("\(X25519.publicKey(of: Secret32(bytes)).base64)\n")
    }

    /// The key in a file; zeros when the file is empty. Part 3, "private-key".
    func readKeyFile(_ path: String, for option: String) throws -> Secret32 {
        if (40...50).contains(path.utf8.count), path.first != "/", path.first != ".", access(path, F_OK) != 0 {
            throw Failure("\(option) takes the name of a file that holds the key, not the key itself")
        }
        var text = try FileBytes.read(path, limit: 64 << 10)
        defer { text.wipe() }
        if text.isEmpty { return .zero }
        guard text.count >= Base64.keyLength else {
            throw Failure("\(path): a key has \(Base64.keyLength) characters, not \(text.count)")
        }
        guard text.dropFirst(Base64.keyLength).allSatisfy(isSpace) else {
            throw Failure("\(path): there is more than a key of \(Base64.keyLength) characters")
        }
        do throws(ValueError) {
            return try ConfigurationValue.secret(text.prefix(Base64.keyLength), .privateKey)
        } catch {
            throw Failure("\(path): found \(error.found); expected \(error.expected)")
        }
    }
}

extension [UInt8] {
    /// Appends 44 characters of base64.
    mutating func append(_ secret: Secret32) {
        var bytes = secret.bytes
        Base64.append(bytes, to: &self)
        bytes.withUnsafeMutableBytes { $0.wipe() }
    }
}
