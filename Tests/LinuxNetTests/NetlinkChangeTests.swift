import CLinux
import Glibc
import Testing
import Wire

@testable import LinuxNet

/// What is changed here is looked at by `ip`, and compared with what `ip` changes in an equal namespace.
@Suite(.serialized, .needsRoot) struct NetlinkChangeTests {
    @Test func addressesAreThoseOfIP() throws {
        let (ours, theirs) = try (Namespace.withTun(), Namespace.withTun())
        let addresses = ["10.0.0.1/24", "10.0.0.2/24", "192.0.2.7/32", "169.254.3.4/16", "fd00::1/64", "fe80::9/64"]
        for address in addresses { try theirs.ip("address add \(address) dev wg0") }
        let listed = try ours.inside {
            let kernel = try Kernel()
            let index = if_nametoindex("wg0")
            for address in addresses { try kernel.netlink.addAddress(interfaceAddress(address), interface: index) }
            return try kernel.netlink.addresses(ofInterface: index)
        }
        #expect(Set(listed.map(\.address.description)) == Set(addresses))
        #expect(listed.count == addresses.count)
        #expect(try ours.sees("addr") == theirs.sees("addr"))

        try theirs.ip("address del 10.0.0.2/24 dev wg0")
        let error = try ours.inside {
            let kernel = try Kernel()
            let index = if_nametoindex("wg0")
            try kernel.netlink.removeAddress(interfaceAddress("10.0.0.2/24"), interface: index)
            return refusal(
                of: .removeAddress(AssignedAddress(try interfaceAddress("10.0.0.2/24"), interface: index)), kernel)
        }
        #expect(error?.code == EADDRNOTAVAIL)
        #expect(try ours.sees("addr") == theirs.sees("addr"))
    }

    @Test func routesAreThoseOfIP() throws {
        let (ours, theirs) = try (Namespace.withTun(), Namespace.withTun())
        try [ours, theirs].forEach { try $0.ip("address add 10.0.0.1/24 dev wg0") }
        for line in [
            "-4 route add 10.9.0.0/16 dev wg0", "-4 route add 192.0.2.1/32 dev wg0 table 51820",
            "-4 route add 0.0.0.0/0 dev wg0 table 51820", "-4 route add 198.51.100.0/24 via 10.0.0.7",
            "-4 route add 203.0.113.0/24 dev wg0 table 77 metric 5", "-4 route add blackhole 240.0.0.0/8",
            "-4 route add 10.10.0.0/16 dev wg0 mtu 1300 src 10.0.0.1",
            "-4 route add 10.11.0.0/16 via inet6 fe80::5 dev wg0",
            "-6 route add fd01::/64 dev wg0", "-6 route add ::/0 dev wg0 table 51820",
            "-6 route add unreachable fd02::/48 metric 9",
        ] { try theirs.ip(line) }
        let listed = try ours.inside {
            let kernel = try Kernel()
            let index = if_nametoindex("wg0")
            var limited = route("10.10.0.0/16", index)
            limited.mtu = 1300
            limited.preferredSource = IPAddress("10.0.0.1")
            let routes = [
                route("10.9.0.0/16", index), route("192.0.2.1/32", index, table: 51820),
                route("0.0.0.0/0", index, table: 51820), route("198.51.100.0/24", nil, gateway: "10.0.0.7"),
                route("203.0.113.0/24", index, table: 77, metric: 5), route("240.0.0.0/8", nil, kind: .blackhole),
                limited, route("10.11.0.0/16", index, gateway: "fe80::5"),
                route("fd01::/64", index), route("::/0", index, table: 51820),
                route("fd02::/48", nil, metric: 9, kind: .unreachable),
            ]
            try kernel.netlink.make(routes.map { .addRoute($0) })
            let listed = try kernel.netlink.routes(isIPv6: false) + kernel.netlink.routes(isIPv6: true)
            for var route in routes {
                // The kernel finds the interface of a gateway, and sends what leads nowhere in IPv6 to the loopback.
                if route.gateway == IPAddress("10.0.0.7") { route.interface = index }
                if route.kind == .unreachable { route.interface = if_nametoindex("lo") }
                #expect(listed.contains(route), "\(route) is not in \(listed)")
            }
            #expect(try kernel.netlink.routes(isIPv6: false, table: 77) == [routes[4]])
            #expect(try kernel.netlink.routes(isIPv6: false, table: 78) == [])
            #expect(try kernel.netlink.routes(isIPv6: true, table: 78) == [])
            #expect(try kernel.netlink.routes(isIPv6: false, table: 51820, interface: index).count == 2)
            #expect(try kernel.netlink.routes(isIPv6: false, table: 51820, interface: 1) == [])
            return routes
        }
        #expect(try ours.sees("route show table all") == theirs.sees("route show table all"))
        #expect(try ours.sees("-6 route show table all") == theirs.sees("-6 route show table all"))

        try ours.inside {
            let kernel = try Kernel()
            try kernel.netlink.make(listed.map { .removeRoute($0) })
            #expect(try kernel.netlink.routes(isIPv6: false).allSatisfy { $0.origin != UInt8(RTPROT_BOOT) })
            let error = refusal(of: .removeRoute(listed[0]), kernel)
            #expect(error?.code == ESRCH)
            try kernel.netlink.make(listed.map { .removeRoute($0) }, tolerating: [ESRCH])
        }
    }

    @Test func rulesAreThoseOfIP() throws {
        let (ours, theirs) = try (Namespace(), Namespace())
        for line in [
            "-4 rule add not fwmark 51820 table 51820", "-4 rule add table main suppress_prefixlength 0",
            "-6 rule add not fwmark 51820 table 51820", "-6 rule add table main suppress_prefixlength 0",
            "-4 rule add fwmark 0x10/0xff table 100 priority 40 protocol 99",
            "-4 rule add from 10.0.0.0/8 to 192.0.2.0/24 iif lo oif lo table 300", "-6 rule add from fd00::/8 table 9",
            "-4 rule add fwmark 0/0xff00 table 101",
        ] { try theirs.ip(line) }
        var masked = PolicyRule(isIPv6: false, table: 100, priority: 40)
        (masked.mark, masked.markMask, masked.origin) = (0x10, 0xff, 99)
        var narrow = PolicyRule(isIPv6: false, table: 300)
        (narrow.source, narrow.destination) = (Prefix("10.0.0.0/8"), Prefix("192.0.2.0/24"))
        (narrow.incomingInterface, narrow.outgoingInterface) = ("lo", "lo")
        var sourced = PolicyRule(isIPv6: true, table: 9)
        sourced.source = Prefix("fd00::/8")
        var unmarked = PolicyRule(isIPv6: false, table: 101)
        (unmarked.mark, unmarked.markMask) = (0, 0xff00)
        let repeated = masked
        let rules = [tunnelRules(isIPv6: false), tunnelRules(isIPv6: true), [masked, narrow, sourced, unmarked]]
            .joined()
        let added = Array(rules)
        try ours.inside {
            let kernel = try Kernel()
            for rule in added { try kernel.netlink.addRule(rule) }
            let error = refusal(of: .addRule(repeated), kernel)
            #expect(error?.code == EEXIST)
        }
        #expect(try ours.sees("-4 rule") == theirs.sees("-4 rule"))
        #expect(try ours.sees("-6 rule") == theirs.sees("-6 rule"))

        let listed = try ours.inside {
            let kernel = try Kernel()
            return try kernel.netlink.rules(isIPv6: false) + kernel.netlink.rules(isIPv6: true)
        }
        #expect(listed.allSatisfy { !$0.hasOtherConditions && $0.priority != nil })
        for rule in added {
            let equal = listed.filter { found in
                var found = found
                if rule.priority == nil { found.priority = nil }
                return found == rule
            }
            #expect(equal.count == 1, "\(rule) is not in \(listed)")
        }

        // What was listed can be removed, and added again as it was.
        let usual: [UInt32?] = [0, 32766, 32767]
        let own = listed.filter { !usual.contains($0.priority) }
        #expect(own.count == added.count)
        let remaining = try ours.inside {
            let kernel = try Kernel()
            try kernel.netlink.make(own.map { .removeRule($0) })
            let remaining = try kernel.netlink.rules(isIPv6: false) + kernel.netlink.rules(isIPv6: true)
            try kernel.netlink.make(own.map { .addRule($0) })
            return remaining
        }
        #expect(remaining.map(\.priority) == [0, 32766, 32767, 0, 32766])
        #expect(try ours.sees("-4 rule") == theirs.sees("-4 rule"))
        #expect(try ours.sees("-6 rule") == theirs.sees("-6 rule"))
    }

    @Test func unknownConditionsOfRulesAreNoticed() throws {
        let namespace = try Namespace()
        try namespace.ip("rule add ipproto udp sport 7 table 51820")
        try namespace.ip("rule add tos 0x10 table 51820")
        try namespace.ip("rule add uidrange 3-9 table 51820")
        let rules = try namespace.inside {
            let kernel = try Kernel()
            return try kernel.netlink.rules(isIPv6: false)
        }
        #expect(rules.filter { $0.table == 51820 }.map(\.hasOtherConditions) == [true, true, true])
    }

    @Test func aThousandRoutesTakeMilliseconds() throws {
        let namespace = try Namespace.withTun()
        let (elapsed, count) = try namespace.inside {
            let kernel = try Kernel()
            let index = if_nametoindex("wg0")
            let routes = (0..<1000).flatMap { number in
                [
                    route("10.\(number / 250).\(number % 250).0/24", index),
                    route("fd00:0:0:\(String(number, radix: 16))::/64", index),
                ]
            }
            let start = ContinuousClock.now
            try kernel.netlink.make(routes.map { .addRoute($0) })
            let elapsed = ContinuousClock.now - start
            let listed =
                try kernel.netlink.routes(isIPv6: false, interface: index)
                + kernel.netlink.routes(isIPv6: true, interface: index)
            let error = refusal(of: .addRoute(routes[0]), kernel)
            #expect(error?.description == "cannot add the route \(routes[0]): File exists")
            try kernel.netlink.make(routes.map { .addRoute($0) }, tolerating: [EEXIST])
            return (elapsed, Set(listed).intersection(routes).count)
        }
        #expect(count == 2000)
        #expect(elapsed < .seconds(1))
    }

    @Test func whatTheKernelSaysIsPassedOn() throws {
        let namespace = try Namespace.withTun()
        let (first, second, made) = try namespace.inside {
            let kernel = try Kernel()
            let index = if_nametoindex("wg0")
            let first = #expect(throws: SystemError.self) {
                try kernel.netlink.make([
                    .addRoute(route("10.0.0.0/8", index)), .addRoute(route("11.0.0.0/8", nil, gateway: "192.0.2.1")),
                    .addRoute(route("12.0.0.0/8", index)),
                ])
            }
            let second = #expect(throws: SystemError.self) {
                try kernel.netlink.createLink(named: "odd", kind: "nightjar")
            }
            return (first, second, try kernel.netlink.routes(isIPv6: false, table: Route.mainTable).count)
        }
        #expect(
            first?.description
                == "cannot add the route 11.0.0.0/8 via 192.0.2.1: Network is unreachable: Nexthop has invalid gateway")
        #expect(second?.code == EOPNOTSUPP)
        #expect(second?.detail == "Unknown device type")
        // All are attempted.
        #expect(made == 2)
    }

    @Test func linksAreListedCreatedAndDeleted() throws {
        let namespace = try Namespace.withTun()
        let (before, after, created) = try namespace.inside {
            let kernel = try Kernel()
            try kernel.netlink.createLink(named: "pair", kind: "veth")
            let before = try kernel.netlink.links()
            let created = try #require(try kernel.netlink.link(named: "pair"))
            let error = #expect(throws: SystemError.self) { try kernel.netlink.createLink(named: "pair", kind: "veth") }
            #expect(error?.code == EEXIST)
            try kernel.netlink.deleteLink(index: created.index)
            #expect(try kernel.netlink.link(named: "pair") == nil)
            #expect(try kernel.netlink.link(named: "a name that is far too long") == nil)
            #expect(try kernel.netlink.link(named: "") == nil)
            return (before, try kernel.netlink.links(), created)
        }
        #expect(before.first { $0.name == "wg0" }?.kind == "tun")
        #expect(before.first { $0.name == "lo" }?.kind == nil)
        #expect(before.contains(created))
        #expect(created.kind == "veth")
        #expect(after.map(\.name) == ["lo", "wg0"])
    }

    @Test func wholeRouteAnswersAreRead() throws {
        let (near, far) = try Namespace.pair()
        defer { withExtendedLifetime(far) {} }
        try near.ip("route add 198.51.100.0/24 via 10.0.0.2 mtu 1400 table 300")
        try near.ip("rule add fwmark 0x77 table 300")
        try near.ip("-6 route add 2001:db8::/32 via fd00::2 mtu 1380")
        try near.inside {
            let kernel = try Kernel()
            let wire = if_nametoindex("wire")
            let marked = try #require(try kernel.netlink.route(to: address("198.51.100.9"), mark: 0x77))
            #expect(marked.interface == wire && marked.table == 300 && marked.mtu == 1400)
            #expect(marked.gateway == IPAddress("10.0.0.2") && marked.preferredSource == IPAddress("10.0.0.1"))
            #expect(try kernel.netlink.route(to: address("198.51.100.9")) == nil)
            let plain = try #require(try kernel.netlink.route(to: address("10.0.0.2")))
            #expect(plain.interface == wire && plain.table == 254 && plain.mtu == nil && plain.gateway == nil)
            #expect(try kernel.netlink.route(to: address("2001:db8::1"))?.mtu == 1380)
        }
    }

    @Test func kernelSettingsAreReadAndWritten() throws {
        let namespace = try Namespace()
        try namespace.inside {
            let path = "net/ipv4/conf/all/src_valid_mark"
            #expect(try KernelSetting.read(path) == "0")
            try KernelSetting.write("1", to: path)
            #expect(try KernelSetting.read(path) == "1")
            let error = #expect(throws: SystemError.self) { try KernelSetting.read("net/nightjar") }
            #expect(error?.code == ENOENT)
        }
        #expect(try namespace.run("cat /proc/sys/net/ipv4/conf/all/src_valid_mark") == "1\n")
    }
}

/// Holds the connection where the testing library's closures can reach it.
private final class Kernel {
    var netlink: Netlink

    init() throws {
        netlink = try Netlink()
    }
}

/// The error that a change ends in.
private func refusal(of change: NetworkChange, _ kernel: Kernel) -> SystemError? {
    do throws(SystemError) {
        try kernel.netlink.make([change])
        return nil
    } catch {
        return error
    }
}

private func interfaceAddress(_ text: String) throws -> InterfaceAddress {
    try #require(InterfaceAddress(text))
}

private func address(_ text: String) throws -> IPAddress {
    try #require(IPAddress(text))
}

private func route(
    _ destination: String, _ interface: UInt32?, gateway: String? = nil, table: UInt32 = Route.mainTable,
    metric: UInt32? = nil, kind: Route.Kind = .unicast
) -> Route {
    Route(
        Prefix(destination)!, interface: interface, gateway: gateway.flatMap { IPAddress($0) }, table: table,
        metric: metric, kind: kind)
}

/// The two rules that wg-quick makes.
private func tunnelRules(isIPv6: Bool) -> [PolicyRule] {
    var tunnel = PolicyRule(isIPv6: isIPv6, table: 51820)
    (tunnel.mark, tunnel.isInverted) = (51820, true)
    var main = PolicyRule(isIPv6: isIPv6, table: Route.mainTable)
    main.suppressedPrefixLength = 0
    return [tunnel, main]
}

extension Namespace {
    /// A namespace with a TUN interface `wg0`, up, without addresses.
    fileprivate static func withTun() throws -> Namespace {
        let namespace = try Namespace()
        try namespace.ip("tuntap add wg0 mode tun")
        try namespace.ip("link set wg0 addrgenmode none")
        try namespace.run("sysctl -qw net.ipv6.conf.wg0.accept_dad=0")
        try namespace.ip("link set wg0 up")
        return namespace
    }

    /// What `ip -j` shows inside, once the kernel lets all IPv6 addresses be used, which it does a moment after they were added.
    fileprivate func sees(_ what: String) throws -> String {
        var seen = try run("ip -j \(what)")
        for _ in 0..<200 where seen.contains("\"tentative\"") {
            usleep(50_000)
            seen = try run("ip -j \(what)")
        }
        return seen
    }
}
