import Glibc
import Synchronization
import Testing
import Wire

@testable import LinuxNet

@Suite(.serialized, .needsRoot) struct NetlinkTests {
    @Test func linkChangesAreReported() throws {
        let namespace = try Namespace()
        let events = try namespace.inside {
            var monitor = try NetlinkMonitor(.interfaces)
            var log = EventLog()
            let device = try TunDevice.create(name: "wg0")
            log.take(from: &monitor)
            try namespace.ip("link set wg0 up")
            log.take(from: &monitor)
            try namespace.ip("link set wg0 mtu 1300")
            log.take(from: &monitor)
            try namespace.ip("link set wg0 down")
            log.take(from: &monitor)
            try namespace.ip("link del wg0")
            log.take(from: &monitor)
            return (device.interfaceIndex, log.turns)
        }
        let (index, turns) = events
        func link(_ isUp: Bool, _ mtu: Int) -> NetworkEvent {
            .linkChanged(LinkState(index: index, name: "wg0", isUp: isUp, mtu: mtu, kind: "tun"))
        }
        #expect(turns.count == 5)
        #expect(turns[0].last == link(false, 1420))
        #expect(turns[1].last { $0.isLink } == link(true, 1420))
        #expect(turns[2].last { $0.isLink } == link(true, 1300))
        #expect(turns[3].last { $0.isLink } == link(false, 1300))
        #expect(turns[4].contains(.linkRemoved(index: index)))
    }

    @Test func routeAndAddressChangesAreReported() throws {
        let (near, far) = try Namespace.pair()
        defer { withExtendedLifetime(far) {} }
        let turns = try near.inside {
            var monitor = try NetlinkMonitor(.routing)
            var log = EventLog()
            try near.ip("route add 192.0.2.0/24 via 10.0.0.2")
            log.take(from: &monitor)
            try near.ip("-6 route add 2001:db8::/32 via fd00::2")
            log.take(from: &monitor)
            try near.ip("address add 10.0.0.55/32 dev wire")
            log.take(from: &monitor)
            try near.ip("-6 address del fd00::1/64 dev wire")
            log.take(from: &monitor)
            return log.turns
        }
        // What the kernel adds by itself for interfaces that have just come up may be among them.
        #expect(turns[0].contains(.routesChanged))
        #expect(turns[1].contains(.routesChanged))
        #expect(turns[2].contains(.addressesChanged))
        #expect(turns[3].contains(.addressesChanged) && turns[3].contains(.routesChanged))
    }

    @Test func anInterfaceIsFollowedIntoAnotherNamespace() throws {
        let first = try Namespace()
        let second = try Namespace()
        let device = try first.inside { try TunDevice.create(name: "wg0") }
        try first.ip("link set wg0 netns \(second.name) name wg7")
        let watch = try #require(try LinkWatch.following(device))
        #expect(try watch.state().name == "wg7")
        #expect(try !watch.state().isUp)
        try second.ip("link set wg7 up")
        #expect(try watch.state().isUp)
        #expect(watch.nextEvents().contains { $0.isLink })
        try second.ip("link del wg7")
        #expect(try LinkWatch.following(device) == nil)
    }

    @Test func lostEventsAreReported() throws {
        let namespace = try Namespace()
        let events = try namespace.inside {
            let monitor = try NetlinkMonitor(.interfaces)
            var size: Int32 = 1
            setsockopt(monitor.fileDescriptor, SOL_SOCKET, SO_RCVBUF, &size, 4)
            for _ in 0..<8 { _ = try TunDevice.create(name: "wg%d") }
            var all: [NetworkEvent] = []
            while true {
                let events = monitor.nextEvents()
                guard !events.isEmpty else { return all }
                all += events
            }
        }
        #expect(events.contains(.overflow))
    }

    @Test func linkStateCanBeAsked() throws {
        let namespace = try Namespace()
        let (device, before, after) = try namespace.inside {
            let device = try TunDevice.create(name: "wg0")
            var netlink = try Netlink()
            let before = try netlink.link(index: device.interfaceIndex)
            try netlink.setUp(true, index: device.interfaceIndex)
            return (device, before, try netlink.link(index: device.interfaceIndex))
        }
        #expect(before == LinkState(index: device.interfaceIndex, name: "wg0", isUp: false, mtu: 1420, kind: "tun"))
        #expect(after == LinkState(index: device.interfaceIndex, name: "wg0", isUp: true, mtu: 1420, kind: "tun"))
        let error = #expect(throws: SystemError.self) {
            try namespace.inside {
                var netlink = try Netlink()
                return try netlink.link(index: 4242)
            }
        }
        #expect(error?.code == ENODEV)
    }

    @Test func routesAreLookedUp() throws {
        let (near, far) = try Namespace.pair()
        defer { withExtendedLifetime(far) {} }
        try near.ip("link add other type veth peer name rehto")
        try near.ip("link set other up")
        try near.ip("link set rehto up")
        try near.ip("address add 10.1.0.1/24 dev other")
        try near.ip("route add 198.51.100.0/24 dev other table 77")
        try near.ip("rule add fwmark 0x77 table 77")
        try near.ip("-6 route add 2001:db8::/32 via fd00::2")
        func route(_ destination: String, from source: String? = nil, mark: UInt32 = 0) throws -> UInt32? {
            try near.inside {
                var netlink = try Netlink()
                return try netlink.routeInterface(
                    to: try #require(IPAddress(destination)), from: source.flatMap { IPAddress($0) }, mark: mark)
            }
        }
        let (wire, other) = try near.inside { (if_nametoindex("wire"), if_nametoindex("other")) }
        #expect(try route("10.0.0.2") == wire)
        #expect(try route("10.0.0.2", from: "10.0.0.1") == wire)
        #expect(try route("10.0.0.2", from: "10.0.0.99") == nil)
        #expect(try route("10.1.0.9") == other)
        #expect(try route("198.51.100.1") == nil)
        #expect(try route("198.51.100.1", mark: 0x77) == other)
        #expect(try route("2001:db8::1") == wire)
        #expect(try route("2001:db8::1", from: "fd00::1") == wire)
        #expect(try route("2001:db9::1") == nil)
    }
}

private struct EventLog {
    var turns: [[NetworkEvent]] = []

    /// Takes all events until 50 ms pass without one.
    mutating func take(from monitor: inout NetlinkMonitor) {
        var events: [NetworkEvent] = []
        var wait = pollfd(fd: monitor.fileDescriptor, events: Int16(POLLIN), revents: 0)
        while poll(&wait, 1, 50) == 1 { events += monitor.nextEvents() }
        turns.append(events)
    }
}

extension NetworkEvent {
    fileprivate var isLink: Bool {
        if case .linkChanged = self { true } else { false }
    }
}
