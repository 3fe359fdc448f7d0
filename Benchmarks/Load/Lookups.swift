import ArgumentParser
import NoisePrimitives
import TestKit
import Tunnel
import Wire

/// Measures the shared table of allowed IPs, in this process: no daemon, no packets.
struct Lookups: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure lookups in the table of allowed IPs; prints a Markdown table.")

    func run() throws {
        print("| Allowed IPs | Peers | IPv4 /32, ns | IPv4 /16 to /32, ns | IPv6 /48 to /128, ns | Loading, s |")
        print("| ----------: | ----: | -----------: | ------------------: | -------------------: | ---------: |")
        for count in [10, 100, 1000, 10_000, 100_000] {
            let hosts = Table(count, isIPv6: false, lengths: 32...32)
            let v4 = Table(count, isIPv6: false, lengths: 16...32)
            let v6 = Table(count, isIPv6: true, lengths: 48...128)
            let cells = try [
                cell(count, 11), cell(hosts.peerCount, 5), cell(hosts.nanosecondsPerLookup(), 12, decimals: 1),
                cell(v4.nanosecondsPerLookup(), 19, decimals: 1), cell(v6.nanosecondsPerLookup(), 20, decimals: 1),
                cell(hosts.loadingSeconds, 10, decimals: 3),
            ]
            print("| \(cells.joined(separator: " | ")) |")
        }
    }

    private func cell(_ value: Int, _ width: Int) -> String { padded(String(value), width) }
    private func cell(_ value: Double, _ width: Int, decimals: Int) -> String {
        padded(text(value, decimals: decimals), width)
    }
    private func padded(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }
}

/// A device with random allowed IPs, and addresses inside them in random order.
private struct Table {
    private static let mostPeers = 10_000
    /// So many that a lookup finds little in the caches of the one before.
    private static let addressCount = 1 << 17
    private static let passes = 9

    let peerCount: Int
    /// What it took the device to take the peers and their allowed IPs.
    let loadingSeconds: Double
    private let device: Device
    private let addresses: [IPAddress]

    init(_ count: Int, isIPv6: Bool, lengths: ClosedRange<Int>) {
        let random = SeededRandom(seed: UInt64(count))
        let prefixes = Self.prefixes(count, isIPv6: isIPv6, lengths: lengths, random)
        peerCount = min(count, Self.mostPeers)
        var change = DeviceChange()
        change.peers = (0..<peerCount).map { _ in PeerChange(PublicKey(random.bytes32())) }
        for (index, prefix) in prefixes.enumerated() {
            change.peers[index % peerCount].allowedIPs.append(.add(prefix))
        }
        device = Device(shared: DeviceShared(mtu: 1420) {}, random: random)
        let moment = Moment(instant: Instant(nanoseconds: 1), wall: WallTime(seconds: 0, nanoseconds: 0))
        let start = now()
        device.apply(change, now: moment)
        loadingSeconds = now() - start
        addresses = (0..<Self.addressCount).map { _ in
            Self.address(in: prefixes[Int(random.below(UInt64(count)))], random)
        }
    }

    /// The median of some passes over all addresses.
    func nanosecondsPerLookup() throws -> Double {
        let routes = device.shared.routes
        let figures = try (0..<Self.passes).map { _ in
            let start = now()
            var found = 0
            for address in addresses where routes.peer(for: address) != nil { found += 1 }
            let elapsed = now() - start
            guard found == addresses.count else { throw Failure("an address inside an allowed IP has no peer") }
            return elapsed * 1e9 / Double(found)
        }
        return figures.sorted()[Self.passes / 2]
    }

    /// `count` different ones, each length as likely as the others.
    private static func prefixes(
        _ count: Int, isIPv6: Bool, lengths: ClosedRange<Int>, _ random: SeededRandom
    ) -> [Prefix] {
        var seen: Set<Prefix> = []
        var prefixes: [Prefix] = []
        while prefixes.count < count {
            let length = lengths.lowerBound + Int(random.below(UInt64(lengths.count)))
            let prefix = Prefix(Self.address(isIPv6: isIPv6, random), length: length)!
            if seen.insert(prefix).inserted { prefixes.append(prefix) }
        }
        return prefixes
    }

    private static func address(isIPv6: Bool, _ random: SeededRandom) -> IPAddress {
        isIPv6 ? .v6(IPv6Address(high: random.uint64(), low: random.uint64())) : .v4(IPv4Address(random.uint32()))
    }

    /// An address with the bits of `prefix` and random ones after them.
    private static func address(in prefix: Prefix, _ random: SeededRandom) -> IPAddress {
        let host = address(isIPv6: prefix.address.isIPv6, random)
        switch (prefix.address, host, Prefix(host, length: prefix.length)!.address) {
        case (.v4(let network), .v4(let host), .v4(let masked)):
            return .v4(IPv4Address(network.value | (host.value ^ masked.value)))
        case (.v6(let network), .v6(let host), .v6(let masked)):
            return .v6(
                IPv6Address(
                    high: network.high | (host.high ^ masked.high), low: network.low | (host.low ^ masked.low)))
        default:
            preconditionFailure("an address keeps its family")
        }
    }
}
