import Control
import Glibc
import Tunnel

/// The kernel's counters of packets that it had no use for, from /proc/net.
struct PacketCounters {
    var strayIPv4: UInt64 = 0
    /// By interface.
    var strayIPv6: [String: UInt64] = [:]
    var reversePathDrops: UInt64 = 0
    let time = ContinuousClock.now

    static func read(interfaces: [String]) -> PacketCounters {
        var counters = PacketCounters()
        counters.strayIPv4 = pairs(text("/proc/net/snmp"), "Ip:")["InAddrErrors"] ?? 0
        counters.reversePathDrops = pairs(text("/proc/net/netstat"), "TcpExt:")["IPReversePathFilter"] ?? 0
        for name in interfaces {
            let lines = text("/proc/net/dev_snmp6/\(name)").split(separator: "\n")
            let line = lines.first { $0.hasPrefix("Ip6InAddrErrors") }
            counters.strayIPv6[name] = line?.split(whereSeparator: { $0 == " " || $0 == "\t" }).last.flatMap {
                UInt64($0)
            }
        }
        return counters
    }

    /// Notes what has been counted since. Where packets may get lost because nothing is passed on, it waits a moment for
    /// more of them.
    static func compare(_ before: PacketCounters, _ facts: inout Facts) {
        let names = facts.interfaces.map(\.name)
        var now = read(interfaces: names)
        let mayLosePackets = facts.interfaces.contains { interface in
            let isDeaf = [false, true].contains { !facts.host.forwards(interface.name, isIPv6: $0) }
            return isDeaf
                && interface.status?.peers.contains { peer in
                    interface.isCaller(peer) && interface.peerReport(peer.publicKey)?.isSending == true
                } == true
        }
        let patience = Duration.seconds(1) - (ContinuousClock.now - before.time)
        if mayLosePackets, patience > .zero {
            usleep(UInt32(clamping: patience.components.attoseconds / 1_000_000_000_000))
            now = read(interfaces: names)
        }
        facts.host.reversePathDrops = now.reversePathDrops
        facts.host.strayIPv4 = HostFacts.Stray(
            total: now.strayIPv4, now: now.strayIPv4 >= before.strayIPv4 ? now.strayIPv4 - before.strayIPv4 : 0)
        for name in names {
            guard let total = now.strayIPv6[name] else { continue }
            let first = before.strayIPv6[name] ?? total
            facts.host.strayIPv6[name] = HostFacts.Stray(total: total, now: total >= first ? total - first : 0)
        }
    }

    private static func text(_ path: String) -> String {
        String(decoding: (try? FileBytes.read(path, limit: 1 << 20)) ?? [], as: UTF8.self)
    }

    /// A line of names and, with the same beginning, one of their values.
    static func pairs(_ text: String, _ beginning: String) -> [Substring: UInt64] {
        let lines = text.split(separator: "\n").filter { $0.hasPrefix(beginning) }.map { $0.split(separator: " ") }
        guard lines.count == 2 else { return [:] }
        var pairs: [Substring: UInt64] = [:]
        for (name, value) in zip(lines[0], lines[1]).dropFirst() { pairs[name] = UInt64(value) }
        return pairs
    }
}
