import CLinux
import Glibc
import Wire

@testable import LinuxNet

/// What the kernel tells: netlink messages, control messages beside datagrams, and socket addresses.
///
/// An input is a byte that chooses between them and the bytes to read.
final class KernelParser: FuzzedParser {
    let share = 9
    let longestInput = 1024

    func run(_ input: inout Input) {
        let choice = input.byte()
        let memory = ExactBuffer(Array(input.all()))
        switch choice & 3 {
        case 0:
            // A message that ends where its memory does.
            if choice & 4 != 0, memory.bytes.count >= 4 {
                memory.start.storeBytes(of: UInt32(truncatingIfNeeded: memory.bytes.count), as: UInt32.self)
            }
            let events = NetworkEvent.parse(memory.readable)
            require(events.count * MemoryLayout<nlmsghdr>.size <= memory.bytes.count, "an event has a header")
            for case .linkChanged(let link) in events {
                require(link.name.utf8.count <= 3 * memory.bytes.count, "a name comes from the message")
            }
        case 1:
            let control = ReceivedControl(parsing: memory.readable)
            require(control.segmentSize >= 0, "a size isn't negative")
        default:
            let address = ExactBuffer(count: SocketAddress.capacity)
            address.bytes.copyBytes(from: memory.bytes.prefix(SocketAddress.capacity))
            let endpoint = SocketAddress.load(from: address.start)
            let again = ExactBuffer(count: SocketAddress.capacity)
            _ = SocketAddress.store(endpoint, to: again.start)
            require(SocketAddress.load(from: again.start) == endpoint, "an address written is the one read")
        }
    }

    var samples: [[UInt8]] {
        var route = NetlinkRequest(RTM_NEWROUTE, flags: 0, rtmsg())
        route.add(1, UInt32(7))
        var information = ifinfomsg()
        information.ifi_index = 3
        information.ifi_flags = UInt32(IFF_UP)
        var link = NetlinkRequest(RTM_NEWLINK, flags: 0, information)
        link.add(Int(IFLA_IFNAME), (UInt8(ascii: "w"), UInt8(ascii: "g"), UInt8(ascii: "0"), 0 as UInt8))
        link.add(Int(IFLA_MTU), UInt32(1420))
        let gone = NetlinkRequest(RTM_DELLINK, flags: 0, information)
        let addresses = NetlinkRequest(RTM_NEWADDR, flags: 0, ifaddrmsg())
        let messages = [route, link, gone, addresses].map { $0.finished(sequence: 1) }
        let sources = [
            SourceAddress(.v4(IPv4Address(0x0a00_0001)), interfaceIndex: 3),
            SourceAddress(.v6(IPv6Address(high: 0xfd00_0000_0000_0000, low: 1)), interfaceIndex: .max),
        ]
        let controls = sources.map { source in
            let area = ExactBuffer(count: ControlMessage.sendCapacity)
            var used = ControlMessage.storeSegmentSize(1452, to: area.start)
            used += ControlMessage.storeTOS(3, isIPv6: source.address.isIPv6, to: area.start + used)
            used += ControlMessage.storeSource(source, to: area.start + used)
            return Array(area.bytes[..<used])
        }
        let families: [[UInt8]] = [[2, 0, 0xca, 0x6c, 192, 0, 2, 1], [10, 0, 0xca, 0x6c, 0, 0, 0, 0, 0xfe, 0x80]]
        var samples: [[UInt8]] = [[0] + messages.flatMap { $0 }]
        for message in messages { samples += [[0] + message, [4] + message, [4] + message.dropLast()] }
        for control in controls { samples.append([1] + control) }
        for family in families { samples.append([2] + family) }
        return samples
    }
}
