import CLinux
import Glibc

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
        case RTM_NEWLINK: LinkState(parsing: message).map { .linkChanged($0) }
        case RTM_DELLINK:
            ifinfomsg(ofInterfaceIn: message.payload).map { .linkRemoved(index: UInt32(bitPattern: $0.ifi_index)) }
        case RTM_NEWROUTE, RTM_DELROUTE: .routesChanged
        case RTM_NEWADDR, RTM_DELADDR: .addressesChanged
        default: nil
        }
    }
}
