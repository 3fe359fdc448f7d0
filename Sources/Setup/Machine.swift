import Control
import Glibc
package import LinuxNet
package import Wire

/// What a server's configuration has to agree with on the machine that it is for.
package struct Machine {
    /// The networks that are in use here.
    package var networks: [Prefix]
    /// The address that other machines probably know this one by; nil without a default route.
    package var address: IPAddress?
    package var hasIPv6: Bool
    package var nameServers: [IPAddress]

    package init(networks: [Prefix], address: IPAddress?, hasIPv6: Bool, nameServers: [IPAddress]) {
        self.networks = networks
        self.address = address
        self.hasIPv6 = hasIPv6
        self.nameServers = nameServers
    }

    /// Asks the kernel, and reads resolv.conf. No packet leaves for it.
    package init() throws(SystemError) {
        var netlink = try Netlink()
        var routes: [Prefix] = []
        for isIPv6 in [false, true] {
            routes += try netlink.routes(isIPv6: isIPv6).filter { $0.kind == .unicast }.map(\.destination)
        }
        let addresses = try netlink.addresses().compactMap(\.address.network)
        networks = FreeNetwork.taken(routes: routes, addresses: addresses)
        address = nil
        for far in Self.farAway.compactMap({ IPAddress($0) }) where address == nil {
            address = try netlink.route(to: far)?.preferredSource
        }
        hasIPv6 = (try? KernelSetting.read("net/ipv6/conf/all/disable_ipv6")) == "0"
        nameServers = Self.readNameServers()
    }

    /// Addresses of root name servers, which every default route leads to.
    private static let farAway = ["198.41.0.4", "2001:503:ba3e::2:30"]

    /// The servers that this machine asks, where others can ask them as well.
    private static func readNameServers() -> [IPAddress] {
        for path in ["/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"] {
            guard let text = try? FileBytes.read(path, limit: ResolvConf.longest) else { continue }
            let servers = ResolvConf(text).nameservers.filter { !$0.isOfOneMachine }
            if !servers.isEmpty { return Array(servers.prefix(2)) }
        }
        return []
    }

    /// Whether a UDP port can be had on every address.
    package static func isFree(port: UInt16) -> Bool {
        (try? UDPSocketPair.bind(port: port)) != nil
    }
}

extension IPAddress {
    /// Loopback, link-local and no address at all.
    fileprivate var isOfOneMachine: Bool {
        ["127.0.0.0/8", "169.254.0.0/16", "0.0.0.0/8", "::/127", "fe80::/10"].compactMap { Prefix($0) }.contains {
            $0.address.isIPv6 == isIPv6 && Prefix(self, length: $0.length) == $0
        }
    }
}
