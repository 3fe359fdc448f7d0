package import LinuxNet
package import Wire

/// All that the checks look at, as it was at one moment. Values alone, so that tests make them by hand.
package struct Facts: Sendable {
    package var host: HostFacts
    /// Those that are examined.
    package var interfaces: [InterfaceFacts]
    /// What couldn't be looked at, a sentence each.
    package var blindSpots: [String] = []

    package init(host: HostFacts, interfaces: [InterfaceFacts], blindSpots: [String] = []) {
        self.host = host
        self.interfaces = interfaces
        self.blindSpots = blindSpots
    }
}

/// What the machine is like, whichever interface is examined.
package struct HostFacts: Sendable {
    /// What came of opening /dev/net/tun: an `errno` value, 0 when it works.
    package var tunFailure: Int32 = 0
    /// Whether this process may change interfaces here (CAP_NET_ADMIN).
    package var hasNetAdmin = true
    package var hasFirewallTool = true
    package var links: [LinkState] = []
    package var addresses: [AssignedAddress] = []
    /// Of all tables and both families.
    package var routes: [Route] = []
    /// The answers of the kernel to the questions that are in here; nil for "no route".
    package var ways: [WayQuestion: Way?] = [:]
    /// The kernel's settings below /proc/sys/net that were read, as `ipv4/ip_forward`; without those that there aren't.
    package var settings: [String: String] = [:]
    package var firewall = FirewallRules()
    /// The servers that names are asked from, those of one machine alone left out.
    package var nameServers: [IPAddress] = []
    /// UDP ports that are bound, with the program where it is known.
    package var boundPorts: [UInt16: String] = [:]
    /// IPv4 packets to addresses that aren't this machine's and that were not passed on, while the doctor looked.
    package var strayIPv4: UInt64 = 0
    /// The same of IPv6, by interface.
    package var strayIPv6: [String: UInt64] = [:]
    /// The WireGuard interfaces that are up here, also those that aren't examined, by the public key that each has.
    package var publicKeys: [String: PublicKey] = [:]

    package init() {}

    package func link(_ index: UInt32) -> LinkState? { links.first { $0.index == index } }
    package func link(named name: String) -> LinkState? { links.first { $0.name == name } }

    /// Whether it is an address of this machine.
    package func isOwn(_ address: IPAddress) -> Bool { addresses.contains { $0.address.address == address } }

    /// The way that the kernel names. Nil when there is none, or when it wasn't asked.
    package func way(to destination: IPAddress, mark: UInt32 = 0) -> Way? {
        ways[WayQuestion(destination, mark: mark)] ?? nil
    }

    /// Whether the kernel knows no way to an address. False as well when it wasn't asked.
    package func hasNoWay(to destination: IPAddress, mark: UInt32 = 0) -> Bool {
        if case .some(.none) = ways[WayQuestion(destination, mark: mark)] { true } else { false }
    }
}

/// A question to the kernel: which way do packets go?
package struct WayQuestion: Hashable, Sendable {
    package var destination: IPAddress
    /// The packet's firewall mark.
    package var mark: UInt32

    package init(_ destination: IPAddress, mark: UInt32 = 0) {
        self.destination = destination
        self.mark = mark
    }
}

/// The kernel's answer.
package struct Way: Equatable, Sendable {
    /// The interface that packets leave by.
    package var interface: String
    package var gateway: IPAddress?
    package var table: UInt32
    package var source: IPAddress?

    package init(
        interface: String, gateway: IPAddress? = nil, table: UInt32 = Route.mainTable, source: IPAddress? = nil
    ) {
        self.interface = interface
        self.gateway = gateway
        self.table = table
        self.source = source
    }
}
