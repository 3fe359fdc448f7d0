package import Tunnel

/// The keys of a configuration file, in the order in which they are printed: the one list that parser, printer,
/// suggestions and documentation follow. Parts 4 and "Finding and parsing the file".
package enum ConfigurationKey: Hashable, CaseIterable, Sendable {
    case address
    case dns
    case mtu
    case table
    case killSwitch
    case saveConfig
    case preUp
    case postUp
    case preDown
    case postDown
    case listenPort
    case firewallMark
    case privateKey

    case publicKey
    case presharedKey
    case allowedIPs
    case endpoint
    case persistentKeepalive

    /// One of the settings of disguises.
    case obfuscation(ObfuscationSetting)

    package static let allCases: [Self] =
        [
            .address, .dns, .mtu, .table, .killSwitch, .saveConfig, .preUp, .postUp, .preDown, .postDown, .listenPort,
            .firewallMark, .privateKey, .publicKey, .presharedKey, .allowedIPs, .endpoint, .persistentKeepalive,
        ] + disguises

    /// Those of disguises.
    package static let disguises: [Self] = ObfuscationSetting.allCases.map { .obfuscation($0) }

    /// The name as it is printed; files may write it in any case.
    package var name: String {
        switch self {
        case .address: "Address"
        case .dns: "DNS"
        case .mtu: "MTU"
        case .table: "Table"
        case .killSwitch: "KillSwitch"
        case .saveConfig: "SaveConfig"
        case .preUp: "PreUp"
        case .postUp: "PostUp"
        case .preDown: "PreDown"
        case .postDown: "PostDown"
        case .listenPort: "ListenPort"
        case .firewallMark: "FwMark"
        case .privateKey: "PrivateKey"
        case .publicKey: "PublicKey"
        case .presharedKey: "PresharedKey"
        case .allowedIPs: "AllowedIPs"
        case .endpoint: "Endpoint"
        case .persistentKeepalive: "PersistentKeepalive"
        case .obfuscation(let setting): setting.name
        }
    }

    package enum Section: String, CaseIterable, Sendable {
        case interface = "[Interface]"
        case peer = "[Peer]"
    }

    /// Where it may stand.
    package var sections: [Section] {
        switch self {
        case .address, .dns, .mtu, .table, .killSwitch, .saveConfig, .preUp, .postUp, .preDown, .postDown, .listenPort,
            .firewallMark, .privateKey:
            [.interface]
        case .publicKey, .presharedKey, .allowedIPs, .endpoint, .persistentKeepalive: [.peer]
        case .obfuscation(let setting): setting.isForPeers ? [.interface, .peer] : [.interface]
        }
    }

    /// Whether it is named among the keys that could have been meant by one like no other: the rest belong to
    /// `Obfuscation`, and are many.
    var isNamedFirst: Bool {
        if case .obfuscation(let setting) = self { setting == .dialect } else { true }
    }

    /// Whether white space inside of its value is part of it.
    var keepsSpace: Bool {
        if case .obfuscation(let setting) = self { setting.keepsSpace } else { false }
    }

    /// Whether only files for `wg-quick` and `nightjar up` have it; `wg` doesn't know it.
    package var isOnlyQuick: Bool {
        switch self {
        case .address, .dns, .mtu, .table, .killSwitch, .saveConfig, .preUp, .postUp, .preDown, .postDown: true
        default: false
        }
    }

    /// Whether its value is a command line, in which `#` and white space belong to the command.
    var isHook: Bool {
        switch self {
        case .preUp, .postUp, .preDown, .postDown: true
        default: false
        }
    }

    /// What its value has to be, for people.
    package var expectation: String {
        switch self {
        case .address: "addresses with their network's length, as in 10.0.0.2/24, fd00::2/64"
        case .dns: "addresses of DNS servers and search domains, separated by commas"
        case .mtu: "a number of bytes from 68 to 65535, or 0 to have it found"
        case .table: "auto, off, or a routing table's number or name"
        case .killSwitch: "on, lan or off"
        case .saveConfig: "true or false"
        case .preUp, .postUp, .preDown, .postDown: "a shell command"
        case .listenPort: "a UDP port from 0 to 65535"
        case .firewallMark: "off or a number from 0 to 0xffffffff"
        case .privateKey, .publicKey, .presharedKey: "a key, 44 characters of base64"
        case .allowedIPs: "addresses or prefixes separated by commas, as in 10.0.0.0/24, fd00::/64"
        case .endpoint: "HOST:PORT, an IPv6 address in brackets"
        case .persistentKeepalive: "off or a number of seconds from 1 to 65535, or a range as in 22-30"
        case .obfuscation(let setting): setting.expectation
        }
    }
}

// MARK: - Finding a key

extension ConfigurationKey {
    /// The key of this name in any case.
    init?(named text: String) {
        guard let key = Self.byName[text.lowercased()] else { return nil }
        self = key
    }

    /// The key that somebody probably meant who wrote `text`; nil when none is near. One of `section` is preferred.
    package static func nearest(to text: String, in section: Section?) -> Self? {
        let written = Array(text.lowercased().utf8)
        guard written.count <= 2 * longestName else { return nil }
        var best: (key: Self, distance: Int)?
        for key in preferred(in: section) {
            let name = Array(key.name.lowercased().utf8)
            let distance = editDistance(written, name)
            guard distance <= max(1, name.count / 3), distance < (best?.distance ?? .max) else { continue }
            best = (key, distance)
        }
        return best?.key
    }

    /// Keys that AmneziaWG 1.5 had and later versions have not, in small letters. They stay without effect.
    static let abandoned: Set<String> = ["j1", "j2", "j3", "itime"]

    /// All of them, those of a section first.
    private static func preferred(in section: Section?) -> [Self] {
        guard let section else { return allCases }
        return allCases.filter { $0.sections.contains(section) } + allCases.filter { !$0.sections.contains(section) }
    }

    private static let byName = Dictionary(uniqueKeysWithValues: allCases.map { ($0.name.lowercased(), $0) })
    private static let longestName = allCases.map(\.name.utf8.count).max() ?? 0

    /// How many letters have to be put in, left out, replaced or swapped with their neighbour.
    static func editDistance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var beforeLast: [Int] = []
        var last = Array(0...right.count)
        for row in left.indices {
            var current = [row + 1]
            for column in right.indices {
                let replaced = last[column] + (left[row] == right[column] ? 0 : 1)
                var cost = min(replaced, last[column + 1] + 1, current[column] + 1)
                if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
                    cost = min(cost, beforeLast[column - 1] + 1)
                }
                current.append(cost)
            }
            (beforeLast, last) = (last, current)
        }
        return last[right.count]
    }
}
