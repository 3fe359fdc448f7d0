import CLinux
import Glibc

/// A network interface at one moment.
package struct LinkState: Equatable, Sendable {
    package let index: UInt32
    package let name: String
    /// Whether the administrator has set it up (`IFF_UP`). That is what starts and stops a kernel WireGuard interface;
    /// `IFF_RUNNING` follows later, and says no more for a TUN device that a program holds.
    package let isUp: Bool
    /// Bytes.
    package let mtu: Int
}

/// A change in the network that the kernel reports by itself.
package enum NetworkEvent: Equatable, Sendable {
    /// An interface appeared or changed in any way, not always in one that shows here.
    case linkChanged(LinkState)
    /// An interface was deleted, or moved to another network namespace.
    case linkRemoved(index: UInt32)
    case routesChanged
    case addressesChanged
    /// Events were lost: read the state of whatever matters again.
    case overflow
}

extension NetworkEvent {
    /// The events in what a netlink socket received; runs of route or of address changes make one event.
    static func parse(_ bytes: UnsafeRawBufferPointer) -> [NetworkEvent] {
        var events: [NetworkEvent] = []
        for message in NetlinkMessages(bytes) {
            guard let event = parse(message) else { continue }
            switch event {
            case .routesChanged where events.contains(.routesChanged): continue
            case .addressesChanged where events.contains(.addressesChanged): continue
            default: events.append(event)
            }
        }
        return events
    }

    private static func parse(_ message: NetlinkMessages.Message) -> NetworkEvent? {
        switch Int(message.type) {
        case RTM_NEWLINK: LinkState(parsing: message.payload).map { .linkChanged($0) }
        case RTM_DELLINK: linkHeader(message.payload).map { .linkRemoved(index: UInt32(bitPattern: $0.ifi_index)) }
        case RTM_NEWROUTE, RTM_DELROUTE: .routesChanged
        case RTM_NEWADDR, RTM_DELADDR: .addressesChanged
        default: nil
        }
    }
}

extension LinkState {
    /// Reads the payload of an `RTM_NEWLINK`; nil for one that doesn't describe the interface itself.
    init?(parsing payload: UnsafeRawBufferPointer) {
        guard let header = linkHeader(payload) else { return nil }
        var name: String?
        var mtu: UInt32?
        for attribute in NetlinkAttributes(payload, after: MemoryLayout<ifinfomsg>.size) {
            switch attribute.type {
            case Int(IFLA_IFNAME): name = attribute.text
            case Int(IFLA_MTU): mtu = attribute.number
            default: break
            }
        }
        guard let name, let mtu else { return nil }
        self.init(
            index: UInt32(bitPattern: header.ifi_index), name: name, isUp: header.ifi_flags & UInt32(IFF_UP) != 0,
            mtu: Int(mtu))
    }
}

/// Nil when the payload is too short, or speaks of the interface as a port of a bridge.
private func linkHeader(_ payload: UnsafeRawBufferPointer) -> ifinfomsg? {
    guard payload.count >= MemoryLayout<ifinfomsg>.size else { return nil }
    let header = payload.loadUnaligned(as: ifinfomsg.self)
    return header.ifi_family == UInt8(AF_UNSPEC) ? header : nil
}
