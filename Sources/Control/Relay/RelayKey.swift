package import Tunnel

/// The keys of a relay's file, in the order of the documentation: the one list that parser, errors and documentation follow.
package enum RelayKey: Hashable, CaseIterable, Sendable {
    case listen
    case endpoint
    case serverPublicKey
    case clientPublicKey
    case idleTimeout
    case maximumFlows
    case firewallMark
    case stateFile
    case obfuscation(ObfuscationSetting)

    package static var allCases: [RelayKey] {
        [
            .listen, .endpoint, .serverPublicKey, .clientPublicKey, .idleTimeout, .maximumFlows, .firewallMark,
            .stateFile,
        ] + ObfuscationSetting.allCases.map { .obfuscation($0) }
    }

    /// The name as files have it, in any case.
    package var name: String {
        switch self {
        case .listen: "Listen"
        case .endpoint: "Endpoint"
        case .serverPublicKey: "ServerPublicKey"
        case .clientPublicKey: "ClientPublicKey"
        case .idleTimeout: "IdleTimeout"
        case .maximumFlows: "MaxFlows"
        case .firewallMark: "FwMark"
        case .stateFile: "StateFile"
        case .obfuscation(let setting): setting.name
        }
    }

    /// The parts of a relay: itself, and what is said about each of its sides.
    package enum Section: String, CaseIterable, Sendable {
        case relay = "[Relay]"
        case listen = "[Listen]"
        case forward = "[Forward]"
    }

    package var sections: [Section] {
        if case .obfuscation = self { [.listen, .forward] } else { [.relay] }
    }

    /// What its value has to be, for people.
    package var expectation: String {
        switch self {
        case .listen: "PORT, for all addresses, or ADDRESS:PORT, an IPv6 address in brackets"
        case .endpoint: "HOST:PORT, an IPv6 address in brackets"
        case .serverPublicKey: "the WireGuard server's public key, 44 characters of base64"
        case .clientPublicKey: "a WireGuard client's public key, 44 characters of base64"
        case .idleTimeout: "a number of seconds from 10 to 86400"
        case .maximumFlows: "a number of clients from 1 to 100000"
        case .firewallMark: "off or a number from 0 to 0xffffffff"
        case .stateFile: "the path of a file, from the root on"
        case .obfuscation(let setting): setting.expectation
        }
    }

    /// Whether white space inside of its value is part of it.
    var keepsSpace: Bool {
        switch self {
        case .stateFile: true
        case .obfuscation(let setting): setting.keepsSpace
        default: false
        }
    }

    /// The key of this name in any case.
    init?(named text: String) {
        guard let key = Self.byName[text.lowercased()] else { return nil }
        self = key
    }

    /// The key that somebody probably meant who wrote `text`; nil when none is near. One of `section` is preferred.
    static func nearest(to text: String, in section: Section?) -> Self? {
        let written = Array(text.lowercased().utf8)
        guard written.count <= 40 else { return nil }
        var best: (key: Self, distance: Int)?
        let preferred = allCases.filter { key in section.map { key.sections.contains($0) } ?? true }
        for key in preferred + allCases {
            let name = Array(key.name.lowercased().utf8)
            let distance = ConfigurationKey.editDistance(written, name)
            guard distance <= max(1, name.count / 3), distance < (best?.distance ?? .max) else { continue }
            best = (key, distance)
        }
        return best?.key
    }

    private static let byName = Dictionary(uniqueKeysWithValues: allCases.map { ($0.name.lowercased(), $0) })
}
