import LinuxNet
import Tunnel
import Wire

extension WgCommand {
    /// `set INTERFACE OPTION…`. Nothing is changed when any argument is wrong.
    func set(_ arguments: [String]) throws {
        guard arguments.count >= 2 else { throw Failure(usage(of: .set)) }
        let retries = try ResolutionRetries(environment: environment)
        var options = SetOptions(words: arguments.dropFirst())
        try options.read(self)
        for (place, name) in options.endpoints {
            options.change.peers[place].endpoint = try resolve(name, retries)
            if name.numeric == nil { options.change.peers[place].endpointName = name.description }
        }
        for warning in options.warnings { console.complain(warning) }
        try modify(arguments[0]) { device in try device.apply(options.change) }
    }

    /// Opens an interface and changes it.
    func modify(_ interface: String, _ body: (any DeviceAccess) throws -> Void) throws {
        do {
            try body(try open(interface))
        } catch let error as SystemError {
            throw Failure("Unable to modify interface: \(Self.reason(error))")
        }
    }

    func resolve(_ name: EndpointName, _ retries: ResolutionRetries) throws -> Endpoint {
        try name.resolve(retries) { console.complain($0) }
    }
}

/// The options of `wg set`, as they are read.
private struct SetOptions {
    var words: ArraySlice<String>
    var change = DeviceChange()
    /// Endpoints to be resolved, by the place of their peer in the change.
    var endpoints: [Int: EndpointName] = [:]
    var warnings: [String] = []

    init(words: ArraySlice<String>) {
        self.words = words
    }

    mutating func read(_ command: WgCommand) throws {
        while let option = words.popFirst() {
            if option == "remove", !change.peers.isEmpty {
                change.peers[change.peers.count - 1].removes = true
                continue
            }
            guard let value = words.popFirst() else {
                throw WgCommand.Failure("Invalid argument: \(quoted(option)), which is unknown or lacks its value")
            }
            do {
                try read(option, value, command)
            } catch let error as ValueError {
                throw WgCommand.Failure("\(option): found \(error.found); expected \(error.expected)")
            }
        }
    }

    private mutating func read(_ option: String, _ value: String, _ command: WgCommand) throws {
        let last = change.peers.count - 1
        switch option {
        case "peer":
            change.peers.append(PeerChange(PublicKey(try ConfigurationValue.key(Array(value.utf8)[...], .publicKey))))
        case "listen-port" where last < 0: change.listenPort = try ConfigurationValue.port(value)
        case "fwmark" where last < 0: change.firewallMark = try ConfigurationValue.firewallMark(value)
        case "private-key" where last < 0: change.privateKey = try command.readKeyFile(value, for: option)
        case "preshared-key" where last >= 0:
            change.peers[last].presharedKey = try command.readKeyFile(value, for: option)
        case "endpoint" where last >= 0: endpoints[last] = try EndpointName(parsing: value)
        case "persistent-keepalive" where last >= 0:
            (change.peers[last].persistentKeepalive, change.peers[last].persistentKeepaliveMaximum) =
                try ConfigurationValue.keepalive(value)
        case "allowed-ips" where last >= 0: try readAllowedIPs(value, ofPeerAt: last)
        default:
            guard let setting = ObfuscationSetting(commandName: option), last < 0 || setting.isForPeers else {
                throw WgCommand.Failure("Invalid argument: \(quoted(option))")
            }
            try readSetting(setting, value, ofPeerAt: last, command)
        }
    }

    /// A setting of the disguise of a peer, or of the interface before the first one.
    private mutating func readSetting(
        _ setting: ObfuscationSetting, _ text: String, ofPeerAt place: Int, _ command: WgCommand
    ) throws {
        let value = try command.readSetting(setting, text)
        if place < 0 {
            change.obfuscation = change.obfuscation ?? ObfuscationChange()
            change.obfuscation?.values.append((setting, value))
        } else {
            change.peers[place].obfuscation = change.peers[place].obfuscation ?? ObfuscationChange()
            change.peers[place].obfuscation?.values.append((setting, value))
        }
    }

    /// An entry with a sign makes all of the peer's options change the list instead of replacing it.
    private mutating func readAllowedIPs(_ value: String, ofPeerAt place: Int) throws {
        let text = value.utf8.filter { !isSpace($0) }
        var section = PeerSection(change.peers[place].publicKey)
        // The empty list takes all of them away.
        if !text.isEmpty { try section.readAllowedIPs(text[...], &warnings) }
        let isFirst = change.peers[place].allowedIPs.isEmpty
        let replaces = isFirst || change.peers[place].replacesAllowedIPs
        change.peers[place].replacesAllowedIPs = replaces && !section.changesAllowedIPs
        change.peers[place].allowedIPs += section.allowedIPs
    }
}
