import Tunnel

/// What usage lines, help and the manual page say about `wg`'s commands. Part 3.
extension WgCommand.Subcommand {
    /// What may follow the command's name.
    package var arguments: String {
        switch self {
        case .show:
            """
            { <interface> | all | interfaces } \
            [\(StatusField.allCases.map(\.rawValue).joined(separator: " | ")) | obfuscation | <AmneziaWG setting> | --json]
            """
        case .showconf: "<interface>"
        case .set:
            """
            <interface> [listen-port <port>] [fwmark <mark>] [private-key <file path>] \
            [<obfuscation setting> <value>]... \
            [peer <base64 public key> [remove] [preshared-key <file path>] [endpoint <ip>:<port>] \
            [persistent-keepalive <interval seconds>] [allowed-ips [+|-]<ip1>/<cidr1>[,[+|-]<ip2>/<cidr2>]...] \
            [<obfuscation setting> <value>]... ]...
            """
        case .setconf, .addconf, .syncconf: "<interface> <configuration filename>"
        case .genkey, .genpsk, .pubkey: ""
        }
    }

    /// Paragraphs for people, after the summary.
    package var explanation: String {
        switch self {
        case .show:
            """
            Without arguments it shows all interfaces, and with 'interfaces' only their names. Keys that must stay secret are \
            hidden.

            A field is for scripts: a line for each peer, or one for the interface, with tabs between its parts; after \
            'all' every line begins with the interface. Times are seconds since 1970, 0 for never. The lines of 'dump' \
            show private keys: first the interface's private key, public key, port and fwmark, then for each peer its \
            public key, preshared key, endpoint, allowed IPs, latest handshake, bytes received, bytes sent, and \
            keepalive.
            """
        case .showconf: "It holds the private key."
        case .set:
            """
            Options before the first 'peer' are the interface's, the others belong to the peer before them. Keys that \
            must stay secret are read from files; an empty one, /dev/null for one, takes the key away. The list of \
            'allowed-ips' replaces what the peer had, unless its entries begin with '+' or '-'. 'fwmark' and \
            'persistent-keepalive' end with 'off'. When an argument is wrong, nothing is changed.

            The settings of obfuscation are \(Self.names(ObfuscationSetting.allCases.filter(\.isForPeers))), which a peer may \
            have as well in place of its interface's, and AmneziaWG's \
            \(Self.names(ObfuscationSetting.allCases.filter(\.isAmneziaWGs))). They take what the keys of a \
            configuration file take, but for 'obfuscation-key' and 'header-protection-key', which name a file. An empty \
            value takes one back.
            """
        case .setconf: "Peers that the file doesn't name are removed, and sessions end."
        case .addconf: "Peers that the file doesn't name stay as they are."
        case .syncconf:
            """
            Peers that the file doesn't name are removed, and sessions of those that didn't change go on. A file for \
            'nightjar up' has keys that this doesn't know: see 'nightjar strip' and 'nightjar reload'.
            """
        case .genkey, .genpsk: "It is printed in base64."
        case .pubkey: "Both are in base64, on standard input and output."
        }
    }

    private static func names(_ settings: [ObfuscationSetting]) -> String {
        settings.map { "'\($0.commandName)'" }.joined(separator: ", ")
    }
}
