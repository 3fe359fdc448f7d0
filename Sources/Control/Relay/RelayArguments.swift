package import Relay
import Tunnel

/// One relay as arguments describe it. Keys of disguises come from files, since other users can read a program's arguments.
package struct RelayArguments: Sendable {
    package var listen: String?
    package var endpoint: String?
    package var listenObfuscation: String?
    package var listenKeyFile: String?
    package var endpointObfuscation: String?
    package var endpointKeyFile: String?
    package var serverPublicKey: String?
    package var clientPublicKeys: [String] = []
    package var idleTimeout: String?
    package var maximumFlows: String?
    package var firewallMark: String?
    package var stateFile: String?

    package init() {}

    package var isEmpty: Bool {
        clientPublicKeys.isEmpty
            && [
                listen, endpoint, listenObfuscation, listenKeyFile, endpointObfuscation, endpointKeyFile,
                serverPublicKey, idleTimeout, maximumFlows, firewallMark, stateFile,
            ].allSatisfy { $0 == nil }
    }

    /// - Throws: ``RelayArgumentsError``, or ``SystemError`` for a file.
    package func settings() throws -> RelaySettings {
        var draft = RelayDraft()
        try take("--listen", listen, .listen, .relay, &draft)
        try take("--to", endpoint, .endpoint, .relay, &draft)
        try take("--listen-obfuscation", listenObfuscation, .obfuscation(.dialect), .listen, &draft)
        try take("--to-obfuscation", endpointObfuscation, .obfuscation(.dialect), .forward, &draft)
        try takeKey("--listen-key-file", listenKeyFile, .listen, &draft)
        try takeKey("--to-key-file", endpointKeyFile, .forward, &draft)
        try take("--server-public-key", serverPublicKey, .serverPublicKey, .relay, &draft)
        for key in clientPublicKeys { try take("--client-public-key", key, .clientPublicKey, .relay, &draft) }
        try take("--idle-timeout", idleTimeout, .idleTimeout, .relay, &draft)
        try take("--max-flows", maximumFlows, .maximumFlows, .relay, &draft)
        try take("--fwmark", firewallMark, .firewallMark, .relay, &draft)
        try take("--state-file", stateFile, .stateFile, .relay, &draft)
        do throws(RelayDraft.Problem) {
            return try draft.settings()
        } catch {
            throw RelayArgumentsError(description: Self.sentence(error))
        }
    }

    private func take(
        _ option: String, _ text: String?, _ key: RelayKey, _ section: RelayKey.Section, _ draft: inout RelayDraft
    ) throws(RelayArgumentsError) {
        guard let text else { return }
        try take(option, Array(text.utf8)[...], key, section, &draft)
    }

    private func takeKey(
        _ option: String, _ path: String?, _ section: RelayKey.Section, _ draft: inout RelayDraft
    ) throws {
        guard let path else { return }
        var bytes = try FileBytes.read(path, limit: 4096)
        defer { bytes.wipe() }
        try take(option, trimmed(bytes[...]), .obfuscation(.key), section, &draft)
    }

    private func take(
        _ option: String, _ value: ArraySlice<UInt8>, _ key: RelayKey, _ section: RelayKey.Section,
        _ draft: inout RelayDraft
    ) throws(RelayArgumentsError) {
        do throws(ValueError) {
            guard !value.isEmpty else { throw ValueError(found: "nothing", expected: key.expectation) }
            try draft.read(key, value, in: section)
        } catch {
            throw RelayArgumentsError(description: "\(option): found \(error.found); expected \(error.expected)")
        }
    }

    /// The options in place of a file's keys.
    private static func sentence(_ problem: RelayDraft.Problem) -> String {
        problem.sentence
            .replacing("there is no Listen:", with: "--listen is missing:")
            .replacing("there is no Endpoint:", with: "--to is missing:")
            .replacing(", in [Relay]", with: "")
            .replacing("ServerPublicKey", with: "--server-public-key")
            .replacing("ClientPublicKey", with: "--client-public-key")
            .replacing("the disguise of [Listen]", with: "--listen-obfuscation")
            .replacing("the disguise of [Forward]", with: "--to-obfuscation")
            .replacing("ObfuscationKey", with: problem.section == .listen ? "--listen-key-file" : "--to-key-file")
    }
}

package struct RelayArgumentsError: Error, Equatable, Sendable, CustomStringConvertible {
    package let description: String
}
