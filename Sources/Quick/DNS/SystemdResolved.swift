import Glibc
package import Wire

/// systemd-resolved's settings of one link, over the system bus (org.freedesktop.resolve1(5)).
struct SystemdResolved: ~Copyable {
    private var bus: DBusConnection

    private static let name = "org.freedesktop.resolve1"
    private static let path = "/org/freedesktop/resolve1"
    private static let manager = "org.freedesktop.resolve1.Manager"

    private init(_ bus: consuming DBusConnection) {
        self.bus = bus
    }

    /// Throws when it doesn't run, or serves other interfaces than those of the calling thread's network namespace,
    /// where the same index means another one.
    static func open(busAddress: String, patience: Int) throws(DBusError) -> SystemdResolved {
        var resolved = SystemdResolved(try DBusConnection.open(busAddress, patience: patience))
        guard try resolved.askBus("NameHasOwner") == [.boolean(true)] else {
            throw .unreachable("systemd-resolved isn't on it")
        }
        guard case .uint32(let process)? = try resolved.askBus("GetConnectionUnixProcessID").first,
            NetworkNamespace.isShared(withProcess: process)
        else { throw .unreachable("systemd-resolved serves another network namespace") }
        return resolved
    }

    /// Makes the setting take effect. When it throws, the link has no setting of ours.
    mutating func apply(_ setting: DNSSetting) throws(DBusError) {
        let index = DBusValue.int32(Int32(bitPattern: setting.interfaceIndex))
        do throws(DBusError) {
            try call("SetLinkDNS", [index, .array(of: "(iay)", setting.servers.map(Self.value))])
            var domains = setting.searchDomains.map { domain in
                let isRouting = domain.hasPrefix("~")
                return Self.value(isRouting ? String(domain.dropFirst()) : domain, isRouting: isRouting)
            }
            if setting.takesAllNames { domains.insert(Self.value(".", isRouting: true), at: 0) }
            try call("SetLinkDomains", [index, .array(of: "(sb)", domains)])
            do throws(DBusError) {
                try call("SetLinkDefaultRoute", [index, .boolean(setting.takesAllNames)])
            } catch {
                // Before systemd 240; the domains alone say nearly the same.
                guard case .refused("org.freedesktop.DBus.Error.UnknownMethod", _) = error else { throw error }
            }
        } catch {
            _ = try? call("RevertLink", [index])
            throw error
        }
    }

    /// Takes the link's settings back. An interface that is gone, or whose index another one has got, has none.
    mutating func revert(_ setting: DNSSetting) throws(DBusError) {
        guard if_nametoindex(setting.interface) == setting.interfaceIndex else { return }
        do throws(DBusError) {
            try call("RevertLink", [.int32(Int32(bitPattern: setting.interfaceIndex))])
        } catch {
            guard case .refused("org.freedesktop.resolve1.NoSuchLink", _) = error else { throw error }
        }
    }

    /// What the link has now.
    mutating func current(_ setting: DNSSetting) throws(DBusError) -> DNSState {
        let index = DBusValue.int32(Int32(bitPattern: setting.interfaceIndex))
        guard let link = try call("GetLink", [index]).first?.text else { throw .malformed }
        let servers = try property("DNS", ofLink: link).compactMap(Self.address)
        let domains = try property("Domains", ofLink: link).compactMap { entry -> String? in
            guard let fields = entry.elements, fields.count == 2, case .boolean(let isRouting) = fields[1] else {
                return nil
            }
            return fields[0].text.map { isRouting ? "~\($0)" : $0 }
        }
        return DNSState(servers: servers, searchDomains: domains.filter { $0 != "~." })
    }

    private mutating func property(_ name: String, ofLink path: String) throws(DBusError) -> [DBusValue] {
        let values = try bus.call(
            "Get", of: "org.freedesktop.DBus.Properties", at: path, on: Self.name,
            [.string("org.freedesktop.resolve1.Link"), .string(name)])
        guard case .variant(let value)? = values.first, let elements = value.elements else { throw .malformed }
        return elements
    }

    @discardableResult
    private mutating func call(_ method: String, _ values: [DBusValue]) throws(DBusError) -> [DBusValue] {
        try bus.call(method, of: Self.manager, at: Self.path, on: Self.name, values)
    }

    private mutating func askBus(_ method: String) throws(DBusError) -> [DBusValue] {
        try bus.call(
            method, of: DBusConnection.bus, at: "/org/freedesktop/DBus", on: DBusConnection.bus, [.string(Self.name)])
    }

    private static func value(_ domain: String, isRouting: Bool) -> DBusValue {
        .structure([.string(domain), .boolean(isRouting)])
    }

    private static func value(_ address: IPAddress) -> DBusValue {
        var bytes = [UInt8](repeating: 0, count: address.bitCount / 8)
        bytes.withUnsafeMutableBytes { buffer in
            // Safe: there are as many bytes as an address of this family has.
            let start = buffer.baseAddress.unsafelyUnwrapped
            switch address {
            case .v4(let v4): v4.store(to: start)
            case .v6(let v6): v6.store(to: start)
            }
        }
        let family = address.isIPv6 ? AF_INET6 : AF_INET
        return .structure([.int32(family), .array(of: "y", bytes.map { .byte($0) })])
    }

    private static func address(_ value: DBusValue) -> IPAddress? {
        guard let fields = value.elements, fields.count == 2, let entries = fields[1].elements else { return nil }
        let bytes = entries.compactMap { entry -> UInt8? in if case .byte(let byte) = entry { byte } else { nil } }
        return bytes.withUnsafeBytes { buffer in
            guard let start = buffer.baseAddress else { return nil }
            switch buffer.count {
            case 4: return .v4(IPv4Address(loading: start))
            case 16: return .v6(IPv6Address(loading: start))
            default: return nil
            }
        }
    }
}

/// The name servers and search domains that are in use for a tunnel.
package struct DNSState: Equatable, Sendable {
    package var servers: [IPAddress]
    package var searchDomains: [String]

    package init(servers: [IPAddress] = [], searchDomains: [String] = []) {
        self.servers = servers
        self.searchDomains = searchDomains
    }
}
