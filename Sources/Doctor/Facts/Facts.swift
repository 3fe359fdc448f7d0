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
    /// UDP ports of the files that are examined and who has bound them, for ports that are bound.
    package var boundPorts: [UInt16: String] = [:]
    /// Packets of other senders for other addresses that this machine didn't pass on.
    package var strayIPv4 = Stray()
    /// The same of IPv6, by the interface that they came in by.
    package var strayIPv6: [String: Stray] = [:]
    /// Packets that the reverse path filter has dropped.
    package var reversePathDrops: UInt64 = 0
    /// The WireGuard interfaces that are up here, also those that aren't examined.
    package var neighbours: [String: Neighbour] = [:]

    /// How often something was counted.
    package struct Stray: Equatable, Sendable {
        /// Since the counter began.
        package var total: UInt64
        /// While the doctor looked.
        package var now: UInt64

        package init(total: UInt64 = 0, now: UInt64 = 0) {
            self.total = total
            self.now = now
        }
    }

    /// What others than its own checks have to know of an interface.
    package struct Neighbour: Equatable, Sendable {
        package var publicKey: PublicKey?
        package var peers: Set<PublicKey>

        package init(publicKey: PublicKey?, peers: Set<PublicKey>) {
            self.publicKey = publicKey
            self.peers = peers
        }
    }

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
