import Obfuscation
import Tunnel
import Wire

/// The lines of a file on which the settings of disguises stand, so that what doesn't fit together is told with its place.
struct DisguisePlaces {
    private typealias Lines = [ObfuscationSetting: Int]

    private var interface: Lines = [:]
    /// For each peer of the file its first line and those of its settings.
    private var peers: [(line: Int, settings: Lines)] = []

    mutating func beginPeer(line: Int) {
        peers.append((line, [:]))
    }

    mutating func note(_ setting: ObfuscationSetting, isOfPeer: Bool, line: Int) {
        if !isOfPeer {
            interface[setting] = line
        } else if !peers.isEmpty {
            peers[peers.count - 1].settings[setting] = line
        }
    }

    /// The first thing that keeps a peer from getting its disguise, or the interface's settings from making one; nil when
    /// there is none.
    func problem(of file: ConfigurationFile) -> (line: Int, sentence: String)? {
        let interfaceSettings = file.interface.obfuscation.settings
        if interface.isEmpty, peers.allSatisfy(\.settings.isEmpty) { return nil }
        if interfaceSettings.amneziaWG != nil {
            var settings = ObfuscationSettings()
            settings.dialect = .amneziaWG
            if let error = Self.error(settings, interfaceSettings) {
                return (line(of: error, [:], peerLine: nil), error.description)
            }
        }
        for (place, peer) in zip(peers, file.peers) {
            guard let error = Self.error(peer.obfuscation.settings, interfaceSettings) else { continue }
            let line = line(of: error, place.settings, peerLine: place.line)
            let isElsewhere = line < place.line
            return (line, isElsewhere ? "\(error) (peer \(peer.publicKey.short))" : error.description)
        }
        return nil
    }

    private static func error(_ peer: ObfuscationSettings, _ interface: ObfuscationSettings) -> DialectError? {
        do throws(DialectError) {
            _ = try Dialect.resolve(peer, interface: interface)
            return nil
        } catch {
            return error
        }
    }

    /// The line of the setting that a sentence names first, a peer's own before its interface's; else that of
    /// `Obfuscation`.
    private func line(of error: DialectError, _ peer: Lines, peerLine: Int?) -> Int {
        let words = error.description.split { !$0.isLetter && !$0.isNumber }
        let named = words.compactMap { ObfuscationSetting(rawValue: String($0)) }
        for setting in named + [.dialect] {
            if let line = peer[setting] ?? interface[setting] { return line }
        }
        return peerLine ?? interface.values.min() ?? 1
    }
}
