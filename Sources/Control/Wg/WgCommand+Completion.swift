import Tunnel
import Wire

extension WgCommand {
    /// What may follow on a command line, for a shell to offer. The commands and keywords are those of the parser, names
    /// and keys those of the interfaces that this user may see.
    ///
    /// - Parameters:
    ///   - words: the words before the one that is asked for, from the subcommand on.
    ///   - prefix: what is there of that word; candidates may begin otherwise.
    ///   - places: where interfaces are looked for.
    package static func candidates(
        after words: [String], prefix: String, in places: DevicePlaces
    ) -> [String] {
        guard let subcommand = words.first.flatMap({ Subcommand(rawValue: $0) }) else {
            return words.isEmpty ? Subcommand.allCases.map(\.rawValue) : []
        }
        let names = { (try? WireGuardDevices.names(in: places)) ?? [] }
        switch (subcommand, words.count) {
        case (.show, 1): return names() + ["all", "interfaces", "--json"]
        case (.show, 2) where words[1] != "interfaces":
            return StatusField.allCases.map(\.rawValue) + ObfuscationSetting.fields.map(\.commandName) + ["--json"]
        case (.showconf, 1), (.set, 1), (.setconf, 1), (.addconf, 1), (.syncconf, 1): return names()
        case (.setconf, 2), (.addconf, 2), (.syncconf, 2): return CompletionFiles.paths(beginningWith: prefix)
        case (.set, 2...):
            let options = words.dropFirst(2)
            let peers = { () -> [String] in
                let device = try? WireGuardDevices.open(words[1], in: places)
                return (try? device?.status())?.peers.map(\.publicKey.base64) ?? []
            }
            return setCandidates(after: options, peers: peers, prefix: prefix)
        default: return []
        }
    }

    private static func setCandidates(
        after words: ArraySlice<String>, peers: () -> [String], prefix: String
    ) -> [String] {
        var words = words
        var hasPeer = false
        while let option = words.popFirst() {
            if option == "remove" { continue }
            hasPeer = hasPeer || option == "peer"
            // All others have a value, and it is what is asked for when there is none.
            guard words.popFirst() == nil else { continue }
            switch option {
            case "peer": return peers()
            case "private-key", "preshared-key": return CompletionFiles.paths(beginningWith: prefix)
            case "fwmark", "persistent-keepalive": return ["off"]
            default:
                return ObfuscationSetting(commandName: option).map { values(of: $0, prefix: prefix) } ?? []
            }
        }
        let options =
            hasPeer
            ? ["peer", "remove", "preshared-key", "endpoint", "persistent-keepalive", "allowed-ips"]
            : ["listen-port", "fwmark", "private-key", "peer"]
        return options + ObfuscationSetting.allCases.filter { $0.isForPeers || !hasPeer }.map(\.commandName)
    }

    private static func values(of setting: ObfuscationSetting, prefix: String) -> [String] {
        switch setting.kind {
        case .dialect: ["on"] + DialectName.allCases.map(\.rawValue)
        case .flag: ["on", "off"]
        case .key, .secret: CompletionFiles.paths(beginningWith: prefix)
        case .number, .range16, .range32, .text, .bytes: []
        }
    }
}
