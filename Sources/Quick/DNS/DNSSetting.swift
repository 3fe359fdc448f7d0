package import Wire

/// The name servers that a tunnel brings along.
package struct DNSSetting: Hashable, Sendable {
    package var interface: String
    package var interfaceIndex: UInt32
    /// At least one; the first is asked first.
    package var servers: [IPAddress]
    package var searchDomains: [String]
    /// Whether these servers answer for every name, not just for those in the search domains. That is what `wg-quick`
    /// asks for, always; where resolv.conf decides, it can't be otherwise.
    package var takesAllNames: Bool

    package init(
        interface: String, interfaceIndex: UInt32, servers: [IPAddress], searchDomains: [String] = [],
        takesAllNames: Bool = true
    ) {
        self.interface = interface
        self.interfaceIndex = interfaceIndex
        self.servers = servers
        self.searchDomains = searchDomains
        self.takesAllNames = takesAllNames
    }
}

extension DNSSetting: Codable {
    private enum CodingKeys: CodingKey {
        case interface, interfaceIndex, servers, searchDomains, takesAllNames
    }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        interface = try values.decode(String.self, forKey: .interface)
        interfaceIndex = try values.decode(UInt32.self, forKey: .interfaceIndex)
        servers = try values.decode([String].self, forKey: .servers).map { text in
            guard let address = IPAddress(text) else {
                throw DecodingError.dataCorruptedError(
                    forKey: .servers, in: values, debugDescription: "'\(text)' is no address")
            }
            return address
        }
        searchDomains = try values.decode([String].self, forKey: .searchDomains)
        takesAllNames = try values.decode(Bool.self, forKey: .takesAllNames)
    }

    package func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(interface, forKey: .interface)
        try values.encode(interfaceIndex, forKey: .interfaceIndex)
        try values.encode(servers.map(\.description), forKey: .servers)
        try values.encode(searchDomains, forKey: .searchDomains)
        try values.encode(takesAllNames, forKey: .takesAllNames)
    }
}

/// How a tunnel's name servers come into use.
package enum DNSWay: Codable, Hashable, Sendable {
    /// systemd-resolved, asked over the system bus.
    case resolved
    /// The `resolvconf` program at this path, with the name that the tunnel has there. Quick §up 7.
    case resolvconf(program: String, entry: String)
    /// An edit of resolv.conf.
    case file(ResolvConfEdit)
}

/// What is needed to take a tunnel's name servers back, at any time after it was made: before anything was changed, after
/// a crash in the middle, or when all is in use.
package struct DNSRecord: Codable, Hashable, Sendable {
    package var setting: DNSSetting
    /// To be tried in this order until one works. Each of them may have been begun.
    package var ways: [DNSWay]

    package init(setting: DNSSetting, ways: [DNSWay]) {
        self.setting = setting
        self.ways = ways
    }
}

/// Why a tunnel's name servers can't be set.
package struct DNSError: Error, Equatable, CustomStringConvertible {
    /// One sentence for a person.
    package let description: String

    init(_ description: String) {
        self.description = description
    }
}
