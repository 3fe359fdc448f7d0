import Obfuscation
import Relay
import Tunnel
import Wire

/// What has been said about one relay, in a file or by arguments.
struct RelayDraft {
    private var listen: ListenAddress?
    private var endpoint: RelayEndpoint?
    private var serverKey: PublicKey?
    private var clientKeys: [PublicKey] = []
    private var idleTimeout: Int?
    private var maximumFlows: Int?
    private var firewallMark: UInt32 = 0
    private var stateFile: String?
    private var disguises: [RelayKey.Section: ObfuscationValues] = [:]

    /// What is wrong with a relay as a whole, and in which part of it.
    struct Problem: Error, Equatable {
        let section: RelayKey.Section
        let sentence: String
    }

    /// Takes a value, which has no white space around it, of a key that `section` has.
    mutating func read(
        _ key: RelayKey, _ value: ArraySlice<UInt8>, in section: RelayKey.Section
    ) throws(ValueError) {
        switch key {
        case .listen: listen = try Self.listenAddress(value)
        case .endpoint: endpoint = try Self.relayEndpoint(value)
        case .serverPublicKey: serverKey = try Self.publicKey(value, key)
        case .clientPublicKey:
            let client = try Self.publicKey(value, key)
            if !clientKeys.contains(client) { clientKeys.append(client) }
        case .idleTimeout: idleTimeout = try Self.number(value, key, 10...86_400)
        case .maximumFlows: maximumFlows = try Self.number(value, key, 1...100_000)
        case .firewallMark: firewallMark = try ConfigurationValue.firewallMark(String(decoding: value, as: UTF8.self))
        case .stateFile:
            let path = String(decoding: value, as: UTF8.self)
            guard path.hasPrefix("/"), !path.contains("\0") else { throw Self.error(value, key) }
            stateFile = path
        case .obfuscation(let setting):
            var values = disguises[section] ?? ObfuscationValues()
            values[setting] = try ObfuscationValue(reading: value, of: setting, .file)
            disguises[section] = values
        }
    }

    /// What all of it comes to.
    func settings() throws(Problem) -> RelaySettings {
        guard let listen else {
            throw Problem(
                section: .relay, sentence: "there is no \(RelayKey.listen.name): \(RelayKey.listen.expectation)")
        }
        guard let endpoint else {
            throw Problem(
                section: .relay, sentence: "there is no \(RelayKey.endpoint.name): \(RelayKey.endpoint.expectation)")
        }
        var settings = RelaySettings(listen: listen, endpoint: endpoint)
        settings.listenDialect = try dialect(of: .listen)
        settings.forwardDialect = try dialect(of: .forward)
        settings.serverKey = serverKey
        settings.clientKeys = clientKeys
        settings.idleTimeout = idleTimeout ?? settings.idleTimeout
        settings.maximumFlows = maximumFlows ?? settings.maximumFlows
        settings.firewallMark = firewallMark
        settings.stateFile = stateFile
        if let problem = settings.problem {
            throw Problem(section: problem.side == .listen ? .listen : .forward, sentence: problem.description)
        }
        return settings
    }

    private func dialect(of section: RelayKey.Section) throws(Problem) -> Dialect {
        var said = disguises[section]?.settings ?? ObfuscationSettings()
        var amneziaWG = ObfuscationSettings()
        amneziaWG.amneziaWG = said.amneziaWG
        said.amneziaWG = nil
        do throws(DialectError) {
            return try Dialect.resolve(said, interface: amneziaWG)
        } catch {
            throw Problem(section: section, sentence: Self.sentence(error, section))
        }
    }

    /// The sentences are for interfaces and their peers, where a relay has two sides.
    private static func sentence(_ error: DialectError, _ section: RelayKey.Section) -> String {
        error.description
            .replacing(", in [Interface] or in this peer", with: "")
            .replacing("[Interface]", with: section.rawValue)
            .replacing("this peer", with: section.rawValue)
    }

    // MARK: Values

    private static func listenAddress(_ value: ArraySlice<UInt8>) throws(ValueError) -> ListenAddress {
        let text = String(decoding: value, as: UTF8.self)
        if let port = ObfuscationValue.number(value, UInt16.self), port != 0 { return .everywhere(port: port) }
        guard let endpoint = (try? EndpointName(parsing: text))?.numeric, endpoint.port != 0 else {
            throw error(value, .listen)
        }
        return .one(endpoint)
    }

    private static func relayEndpoint(_ value: ArraySlice<UInt8>) throws(ValueError) -> RelayEndpoint {
        let name = try EndpointName(parsing: String(decoding: value, as: UTF8.self))
        guard name.port != 0 else { throw error(value, .endpoint) }
        return RelayEndpoint(host: name.host, port: name.port, numeric: name.numeric)
    }

    private static func publicKey(_ value: ArraySlice<UInt8>, _ key: RelayKey) throws(ValueError) -> PublicKey {
        guard let bytes = value.withUnsafeBytes({ Base64.decode($0) }) else {
            throw ValueError(found: "a text of \(value.count) characters", expected: key.expectation)
        }
        return PublicKey(bytes)
    }

    private static func number(
        _ value: ArraySlice<UInt8>, _ key: RelayKey, _ range: ClosedRange<Int>
    ) throws(ValueError) -> Int {
        guard let number = ObfuscationValue.number(value, Int.self), range.contains(number) else {
            throw error(value, key)
        }
        return number
    }

    private static func error(_ value: ArraySlice<UInt8>, _ key: RelayKey) -> ValueError {
        ValueError(found: quoted(String(decoding: value, as: UTF8.self)), expected: key.expectation)
    }
}
