import Glibc
import Tunnel
import Wire

extension WgCommand {
    /// The value of an argument of `set` that says something about a disguise; nil takes it back.
    ///
    /// Keys come from files. That of AmneziaWG's header protection may stand there itself, as their tool has it.
    func readSetting(_ setting: ObfuscationSetting, _ text: String) throws -> ObfuscationValue? {
        switch setting.kind {
        case .key: return try readObfuscationKey(text, setting)
        case .secret:
            let bytes = Array(text.utf8)
            if let key = Base64.decode(bytes), access(text, F_OK) != 0 {
                return ObfuscationValue.secret(Secret32(key)).said
            }
            return ObfuscationValue.secret(try readKeyFile(text, for: setting.commandName)).said
        default: break
        }
        let bytes = text.utf8.filter { setting.keepsSpace || !isSpace($0) }
        if bytes.isEmpty { return nil }
        return try ObfuscationValue(reading: bytes[...], of: setting, .file).said
    }

    /// The first line of a file, without white space around it.
    private func readObfuscationKey(_ path: String, _ setting: ObfuscationSetting) throws -> ObfuscationValue? {
        // What is no file may be the key itself, which no error may show.
        guard access(path, F_OK) == 0 else {
            throw Failure("\(setting.commandName) takes the name of a file that holds the key; there is no such file")
        }
        var text = try FileBytes.read(path, limit: 64 << 10)
        defer { text.wipe() }
        let lines = text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: true)
        guard lines.count <= 1 else {
            throw Failure("\(path): there is more than one line; expected \(setting.expectation)")
        }
        guard let line = lines.first else { return nil }
        let key = line.drop(while: isSpace).reversed().drop(while: isSpace).reversed()
        do throws(ValueError) {
            return try ObfuscationValue(reading: Array(key)[...], of: setting, .file).said
        } catch {
            throw Failure("\(path): found \(error.found); expected \(error.expected)")
        }
    }

    /// The peers' disguises by their names, a line for each, or one of AmneziaWG's settings of the interface, as their
    /// tool prints it. It may hold a key.
    static func lines(of setting: ObfuscationSetting, in status: DeviceStatus, prefix: String) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(128 + prefix.utf8.count + (status.obfuscation[setting]?.longestText ?? 0))
        if setting == .dialect {
            for peer in status.peers { text += "\(prefix)\(peer.publicKey.base64)\t\(peer.dialect.rawValue)\n".utf8 }
            return text
        }
        text += prefix.utf8
        append(setting, of: status, to: &text)
        text.append(UInt8(ascii: "\n"))
        return text
    }

    /// A setting of an interface, for scripts.
    static func append(_ setting: ObfuscationSetting, of status: DeviceStatus, to text: inout [UInt8]) {
        if let value = status.obfuscation[setting] {
            value.append(to: &text, .file)
        } else {
            text += setting.fieldNothing.utf8
        }
    }
}

extension ObfuscationSetting {
    /// What `show` prints for one that wasn't said.
    fileprivate var fieldNothing: String {
        switch kind {
        case .number: "0"
        case .range32: socketNothing
        case .flag: "off"
        case .dialect, .key, .range16, .text, .secret, .bytes: "(none)"
        }
    }

    /// Those that `show INTERFACE FIELD` knows.
    static let fields: [Self] = [.dialect] + allCases.filter(\.isAmneziaWGs)
}
