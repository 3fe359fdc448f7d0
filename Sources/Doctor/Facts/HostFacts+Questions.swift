import Control
package import LinuxNet
import Tunnel
package import Wire

extension HostFacts {
    /// Whether packets that come in by an interface may be passed on; true when the kernel doesn't say.
    package func forwards(_ interface: String, isIPv6: Bool) -> Bool {
        if isIPv6 { return settings["ipv6/conf/all/forwarding"] != "0" }
        return (settings["ipv4/conf/\(interface)/forwarding"] ?? settings["ipv4/ip_forward"]) != "0"
    }

    /// How strictly the kernel looks at the sources of IPv4 packets that come in by an interface: 0, 1 for strictly, 2.
    package func reversePathFilter(_ interface: String) -> Int {
        max(number("ipv4/conf/all/rp_filter"), number("ipv4/conf/\(interface)/rp_filter"))
    }

    /// Whether it looks at marks when it does.
    package func reversePathFilterSeesMarks(_ interface: String) -> Bool {
        number("ipv4/conf/all/src_valid_mark") + number("ipv4/conf/\(interface)/src_valid_mark") > 0
    }

    private func number(_ path: String) -> Int { settings[path].flatMap { Int($0) } ?? 0 }

    /// The interface that packets for the Internet leave by.
    package func uplink(isIPv6: Bool) -> String? {
        Sample.farAway(isIPv6: isIPv6).flatMap { way(to: $0)?.interface }
    }

    /// The route that the kernel follows to an address, if it leaves by that interface: the most specific one.
    package func route(to address: IPAddress, by interface: String) -> Route? {
        guard let index = link(named: interface)?.index else { return nil }
        return routes.filter { $0.interface == index && $0.destination.holds(address) && $0.kind == .unicast }
            .max { $0.destination.length < $1.destination.length }
    }
}

extension Route {
    /// As `ip route` shows it.
    package func text(interface: String) -> String {
        var text = destination.length == 0 ? (destination.address.isIPv6 ? "::/0" : "0.0.0.0/0") : destination.shortText
        if let gateway { text += " via \(gateway)" }
        text += " dev \(interface)"
        if table != Route.mainTable { text += " table \(table)" }
        return text
    }
}

extension PeerReport {
    /// Whether packets have come from the peer lately.
    package var isSending: Bool { dataReceived.map { $0.milliseconds < 120_000 } ?? false }

    /// Whether packets come from the peer and none go back.
    package var getsNoReplies: Bool {
        guard isSending, let dataReceived else { return false }
        guard let dataSent else { return true }
        return dataSent.milliseconds > dataReceived.milliseconds + 5000
    }
}
