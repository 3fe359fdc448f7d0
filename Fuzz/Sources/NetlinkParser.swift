import CLinux
import Glibc
import Tunnel
import Wire

@testable import Control
@testable import LinuxNet

/// What the kernel answers about interfaces, addresses, routes, rules and its own WireGuard. What can be read is written
/// as a request and read again.
///
/// An input is a byte that chooses between them and the bytes to read.
final class NetlinkParser: FuzzedParser {
    let share = 5
    let longestInput = 2048

    func run(_ input: inout Input) {
        let choice = input.byte()
        let memory = ExactBuffer(Array(input.all()))
        switch choice & 3 {
        case 0:
            var dump = NetlinkDump<UInt16>(sequence: 1)
            _ = dump.take(memory.readable) { $0.type }
            require(dump.items.count * MemoryLayout<nlmsghdr>.size <= memory.bytes.count, "an item has a header")
        case 1:
            checkStatus(memory.readable)
        default:
            // A message that ends where its memory does.
            if choice & 4 != 0, memory.bytes.count >= 4 {
                memory.start.storeBytes(of: UInt32(truncatingIfNeeded: memory.bytes.count), as: UInt32.self)
            }
            for message in NetlinkMessages(memory.readable) { check(message) }
        }
    }

    private func check(_ message: NetlinkMessages.Message) {
        if let verdict = NetlinkVerdict(message) {
            require((verdict.detail ?? "").utf8.count <= 3 * message.payload.count, "words come from the message")
        }
        _ = LinkState(parsing: message)
        _ = RouteAnswer(parsing: message)
        if let address = AssignedAddress(parsing: message) {
            let again = read(address.request(RTM_NEWADDR, flags: 0)) { AssignedAddress(parsing: $0) }
            require(again == address, "an address is read as it is written")
        }
        if let route = Route(parsing: message), route.isPlain {
            let again = read(route.request(RTM_NEWROUTE, flags: 0)) { Route(parsing: $0) }
            require(again == route, "\(route) is read as it is written")
        }
        if let rule = PolicyRule(parsing: message), rule.isPlain {
            let again = read(rule.request(RTM_NEWRULE, flags: 0)) { PolicyRule(parsing: $0) }
            require(again == rule, "\(rule) is read as it is written")
        }
    }

    private func checkStatus(_ bytes: UnsafeRawBufferPointer) {
        let part = KernelStatusReader.part(NetlinkAttributes(bytes, after: 0))
        let status = KernelStatusReader.joined([part, part])
        require(status.peers.count <= 2 * part.peers.count, "joining makes no peers")
        var change = DeviceChange()
        (change.privateKey, change.listenPort) = (part.privateKey, part.listenPort)
        change.peers = part.peers.map { peer in
            var change = PeerChange(peer.publicKey)
            (change.endpoint, change.persistentKeepalive) = (peer.endpoint, peer.persistentKeepalive)
            change.allowedIPs = peer.allowedIPs.map { .add($0) }
            return change
        }
        var parts: [DeviceStatus] = []
        var writer = KernelChangeWriter(change, interface: "wg0")
        while !writer.isFinished {
            var request = NetlinkRequest(30, flags: 0, 0 as UInt32, capacity: KernelChangeWriter.messageLimit)
            writer.write(to: &request)
            require(request.bytes.count <= KernelChangeWriter.messageLimit, "a message isn't too long")
            parts +=
                read(request) { KernelStatusReader.part(NetlinkAttributes($0.payload, after: 4)) }.map { [$0] } ?? []
        }
        let again = KernelStatusReader.joined(parts)
        require(again.listenPort == part.listenPort, "a port is read as it is written")
        require(again.peers.map(\.publicKey) == part.peers.map(\.publicKey), "peers are read as they are written")
        require(again.peers.map(\.endpoint) == part.peers.map(\.endpoint), "endpoints are read as they are written")
        require(
            again.peers.map(\.allowedIPs) == part.peers.map(\.allowedIPs), "allowed IPs are read as they are written")
    }

    private func read<Item>(_ request: NetlinkRequest, _ body: (NetlinkMessages.Message) -> Item?) -> Item? {
        let memory = ExactBuffer(request.finished(sequence: 1))
        var messages = NetlinkMessages(memory.readable)
        return messages.next().flatMap(body)
    }

    var samples: [[UInt8]] {
        var route = Route(Prefix("fd00::/64")!, interface: 7, gateway: IPAddress("fe80::1"), table: 51820)
        (route.mtu, route.preferredSource) = (1300, IPAddress("fd00::1"))
        var rule = PolicyRule(isIPv6: true, table: 51820, priority: 7)
        (rule.mark, rule.markMask, rule.isInverted, rule.suppressedPrefixLength) = (7, 0xff, true, 0)
        (rule.source, rule.destination, rule.incomingInterface) = (Prefix("fd00::/8"), Prefix("fe80::/10"), "lo")
        let address = AssignedAddress(InterfaceAddress("10.0.0.1/24")!, interface: 2)
        let messages = [
            route.request(RTM_NEWROUTE, flags: 0), rule.request(RTM_NEWRULE, flags: 0),
            Route(Prefix("10.0.0.0/8")!, interface: 2, gateway: IPAddress("fe80::1")).request(RTM_NEWROUTE, flags: 0),
            address.request(RTM_NEWADDR, flags: 0),
        ].map { $0.finished(sequence: 1) }
        var refusal = NetlinkRequest(
            Int(NLMSG_ERROR), flags: NLM_F_CAPPED | NLM_F_ACK_TLVS, (-ENOENT, nlmsghdr()))
        refusal.add(Int(NLMSGERR_ATTR_MSG.rawValue), text: "No such thing")
        let refused = refusal.finished(sequence: 1)
        var change = DeviceChange()
        change.listenPort = 51820
        var peer = PeerChange(PublicKey(Bytes32(repeatElement(7, count: 32))!))
        peer.endpoint = Endpoint(.v4(IPv4Address(0xc000_0201)), port: 51820)
        peer.allowedIPs = [.add(Prefix("10.0.0.0/8")!), .add(Prefix("2001:db8::/64")!)]
        change.peers = [peer]
        var writer = KernelChangeWriter(change, interface: "wg0")
        var request = NetlinkRequest(30, flags: 0, 0 as UInt32)
        writer.write(to: &request)
        var samples: [[UInt8]] = messages.flatMap { [[2] + $0, [6] + $0, [6] + $0.dropLast()] }
        samples += [[0] + messages.flatMap { $0 } + refused, [6] + refused, [1] + request.bytes.dropFirst(20)]
        return samples
    }
}

extension Route {
    /// Whether a request can hold all that was read of it.
    fileprivate var isPlain: Bool {
        gateway?.isIPv6 ?? true || !destination.address.isIPv6
    }
}

extension PolicyRule {
    /// Whether a request can hold all that was read of it.
    fileprivate var isPlain: Bool {
        !hasOtherConditions && priority != nil
    }
}
