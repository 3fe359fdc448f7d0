import NoisePrimitives
import TestKit
import Testing
import Wire

@testable import Doctor

struct FirewallTests {
    private func nft(_ rules: [String], policy: String = "accept", hook: String = "input") throws -> FirewallRules {
        let list = rules.enumerated().map {
            #"{"rule":{"family":"inet","table":"filter","chain":"one","handle":\#($0 + 10),"expr":[\#($1)]}}"#
        }
        let chain =
            #"{"chain":{"family":"inet","table":"filter","name":"one","handle":1,"type":"filter","hook":"\#(hook)","prio":0,"policy":"\#(policy)"}}"#
        let more = #"{"chain":{"family":"inet","table":"filter","name":"more","handle":2}}"#
        let json = #"{"nftables":[\#(([chain, more] + list).joined(separator: ","))]}"#
        return FirewallRules(chains: try #require(NftRuleset.chains(json: json, text: "", skips: { _ in false })))
    }

    private func iptables(_ rules: String, policy: String = "ACCEPT") -> FirewallRules {
        FirewallRules(
            chains: IptablesRuleset(
                """
                *filter
                :INPUT \(policy) [0:0]
                :FORWARD DROP [0:0]
                :OUTPUT ACCEPT [0:0]
                :mine - [0:0]
                \(rules)
                COMMIT
                *nat
                :POSTROUTING ACCEPT [0:0]
                [5:300] -A POSTROUTING -s 10.8.0.0/24 ! -o wg0 -j MASQUERADE
                COMMIT
                """, isIPv6: false
            ).chains)
    }

    private var datagram: FirewallPacket {
        var packet = FirewallPacket(isIPv6: false)
        packet.incoming = "eth0"
        packet.transport = "udp"
        packet.destinationPort = 51820
        packet.state = "new"
        return packet
    }

    private static let accept = #"{"accept":null}"#
    private static let drop = #"{"drop":null}"#
    private static func match(_ left: String, _ right: String, _ operation: String = "==") -> String {
        #"{"match":{"op":"\#(operation)","left":\#(left),"right":\#(right)}}"#
    }
    private static func port(_ right: String, _ operation: String = "==") -> String {
        match(#"{"payload":{"protocol":"udp","field":"dport"}}"#, right, operation)
    }
    private static func state(_ right: String) -> String { match(#"{"ct":{"key":"state"}}"#, right, "in") }
    private static func meta(_ key: String, _ right: String, _ operation: String = "==") -> String {
        match(#"{"meta":{"key":"\#(key)"}}"#, right, operation)
    }

    /// Rules, the chain's policy, and whether a datagram to port 51820 is certainly dropped.
    @Test(arguments: [
        ([], "accept", false),
        ([], "drop", true),
        (["\(port("51820")),\(accept)"], "drop", false),
        (["\(port("51821")),\(accept)"], "drop", true),
        (["\(port("51820")),\(drop)"], "accept", true),
        (["\(port("53", "!=")),\(drop)"], "accept", true),
        (["\(port(#"{"set":[22,{"range":[50000,60000]}]}"#)),\(drop)"], "accept", true),
        (["\(port(#"{"set":[22,{"range":[1,2]}]}"#)),\(drop)"], "accept", false),
        (["\(state(#"["established","related"]"#)),\(accept)"], "drop", true),
        (["\(meta("iifname", #""eth*""#)),\(accept)"], "drop", false),
        (["\(meta("iifname", #"{"set":["lo","wg0"]}"#)),\(accept)"], "drop", true),
        (["\(meta("l4proto", #""tcp""#)),\(accept)"], "drop", true),
        (["\(meta("nfproto", #""ipv6""#)),\(drop)"], "accept", false),
        // What can't be decided is no certainty.
        (["\(port(#""@allowed""#)),\(accept)"], "drop", false),
        (["\(port(#""@blocked""#)),\(drop)"], "accept", false),
        ([#"{"limit":{"rate":1,"per":"second"}},\#(accept)"#], "drop", false),
        ([#"{"xt":{"type":"target","name":"WHO"}}"#], "drop", false),
        ([#"{"fantasy":{"x":1}}"#], "drop", false),
        // Both ways lead to a drop.
        (["\(port(#""@blocked""#)),\(drop)", drop], "accept", true),
        ([#"{"jump":{"target":"more"}}"#], "drop", true),
        ([#"{"goto":{"target":"nowhere"}}"#], "drop", false),
        (
            [
                #"{"vmap":{"key":{"ct":{"key":"state"}},"data":{"set":[["established",{"accept":null}],["new",{"drop":null}]]}}}"#
            ], "accept", true
        ),
        (
            [
                #"{"vmap":{"key":{"payload":{"protocol":"udp","field":"dport"}},"data":{"set":[[51820,{"accept":null}]]}}}"#
            ], "drop", false
        ),
        ([#"{"counter":{"packets":3,"bytes":4}},{"log":{"prefix":"x"}},{"reject":{"type":"icmp"}}"#], "accept", true),
        ([#"{"return":null}"#, drop], "accept", false),
        ([#"{"return":null}"#, accept], "drop", true),
    ]) func datagramsOfPeers(_ rules: [String], _ policy: String, _ isDropped: Bool) throws {
        let obstacle = try nft(rules, policy: policy).obstacle(to: datagram, at: [.prerouting, .input])
        #expect((obstacle != nil) == isDropped, "\(rules)")
    }

    @Test func addresses() throws {
        let rule = Self.match(
            #"{"payload":{"protocol":"ip","field":"saddr"}}"#, #"{"prefix":{"addr":"192.0.2.0","len":24}}"#)
        let rules = try nft(["\(rule),\(Self.drop)"])
        var packet = datagram
        #expect(rules.obstacle(to: packet, at: [.input]) == nil)
        packet.source = IPAddress("192.0.2.255")
        #expect(rules.obstacle(to: packet, at: [.input]) != nil)
        packet.source = IPAddress("192.0.3.0")
        #expect(rules.obstacle(to: packet, at: [.input]) == nil)
        // A rule about IPv4 addresses holds for no IPv6 packet, whichever way round it is.
        let negated = try nft([rule.replacing("==", with: "!=") + ",\(Self.drop)"])
        #expect(negated.obstacle(to: packet, at: [.input]) != nil)
        packet.isIPv6 = true
        packet.source = IPAddress("2001:db8::1")
        #expect(negated.obstacle(to: packet, at: [.input]) == nil)
    }

    @Test func theTextOfARuleIsFoundByItsHandle() throws {
        let json = """
            {"nftables":[{"chain":{"family":"inet","table":"filter","name":"input","handle":1,"type":"filter","hook":"input","prio":0,"policy":"accept"}},
            {"rule":{"family":"inet","table":"filter","chain":"input","handle":7,"expr":[{"counter":{"packets":12,"bytes":1}},{"drop":null}]}}]}
            """
        let text = """
            table inet filter { # handle 1
            \tchain input { # handle 1
            \t\ttype filter hook input priority filter; policy accept;
            \t\tudp dport { 1, 2,
            \t\t\t     3 } counter packets 12 bytes 1 drop # handle 7
            \t}
            }
            """
        let chains = try #require(NftRuleset.chains(json: json, text: text, skips: { _ in false }))
        let obstacle = try #require(FirewallRules(chains: chains).obstacle(to: datagram, at: [.input]))
        #expect(
            obstacle.evidence
                == "nft, table inet filter, chain input: udp dport { 1, 2, 3 } counter packets 12 bytes 1 drop (12 packets so far)"
        )
    }

    @Test(arguments: [
        ("", "ACCEPT", false), ("", "DROP", true),
        ("[0:0] -A INPUT -i eth0 -p udp -m udp --dport 51820 -j DROP", "ACCEPT", true),
        (
            "[0:0] -A INPUT ! -i wg0 -p udp -m multiport --dports 53,51820:51830 -m comment --comment \"don't \\\"mind\\\" -j\" -j REJECT --reject-with icmp-port-unreachable",
            "ACCEPT", true
        ),
        ("[0:0] -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT", "DROP", true),
        ("[0:0] -A INPUT -m set --match-set good src -j ACCEPT", "DROP", false),
        ("[0:0] -A INPUT -j mine\n[0:0] -A mine -p tcp -j ACCEPT", "DROP", true),
        ("[0:0] -A INPUT -j mine\n[0:0] -A mine -p udp -j ACCEPT", "DROP", false),
        (
            "[0:0] -A INPUT -i eth+ -j LOG\n[0:0] -A INPUT -m recent --update --seconds 60 --name a --rsource -j DROP",
            "ACCEPT", false
        ),
        ("[0:0] -A INPUT -s 10.0.0.0/8 -j DROP", "ACCEPT", false),
        ("[0:0] -A INPUT -j NFQUEUE --queue-num 1", "DROP", false),
    ]) func iptablesDatagrams(_ rules: String, _ policy: String, _ isDropped: Bool) {
        let obstacle = iptables(rules, policy: policy).obstacle(to: datagram, at: [.prerouting, .input])
        #expect((obstacle != nil) == isDropped, "\(rules)")
    }

    @Test func masquerade() {
        let rules = iptables("")
        var packet = FirewallPacket(isIPv6: false)
        packet.outgoing = "eth0"
        packet.source = IPAddress("10.8.0.7")
        #expect(rules.mayChangeSource(of: packet))
        packet.outgoing = "wg0"
        #expect(!rules.mayChangeSource(of: packet))
        packet.outgoing = "eth0"
        packet.source = IPAddress("10.9.0.7")
        #expect(!rules.mayChangeSource(of: packet))
        packet.isIPv6 = true
        #expect(!rules.mayChangeSource(of: packet))
    }

    @Test func circlesEnd() throws {
        let circle =
            #"{"rule":{"family":"inet","table":"filter","chain":"more","handle":90,"expr":[{"jump":{"target":"more"}}]}}"#
        let json =
            #"{"nftables":[{"chain":{"family":"inet","table":"filter","name":"one","handle":1,"type":"filter","hook":"input","prio":0,"policy":"drop"}},{"chain":{"family":"inet","table":"filter","name":"more","handle":2}},\#(circle),\#(circle),{"rule":{"family":"inet","table":"filter","chain":"one","handle":9,"expr":[{"jump":{"target":"more"}}]}}]}"#
        let rules = FirewallRules(chains: try #require(NftRuleset.chains(json: json, text: "", skips: { _ in false })))
        #expect(rules.obstacle(to: datagram, at: [.input]) == nil)
    }

    /// Whatever the tools print, nothing traps.
    @Test func oddTexts() {
        let random = SeededRandom(seed: 11)
        let json =
            #"{"nftables":[{"chain":{"family":"ip","table":"t","name":"c","hook":"input","type":"filter","prio":-5,"policy":"drop"}},{"rule":{"family":"ip","table":"t","chain":"c","handle":-1,"expr":[{"match":{"op":"==","left":{"payload":{"protocol":"udp","field":"dport"}},"right":{"range":[70000,-3]}}},{"vmap":{"key":1,"data":{"set":[[1],[2,3],"x"]}}},{"drop":null}]}}]}"#
        let saved =
            "*filter\n:INPUT DROP [0:0]\n:x\n[9999999999999999999999:0] -A INPUT -p udp --dport 70000:1 ! -s ::/200 -m mark --mark 0xfffffffff/0x1 -j\n-A\n[ -A INPUT \"\n-A INPUT -j DROP"
        for text in [json, saved] {
            let bytes = Array(text.utf8)
            for _ in 0..<600 {
                var changed = bytes
                for _ in 0..<(1 + Int(random.below(4))) {
                    changed[Int(random.below(UInt64(changed.count)))] = UInt8(truncatingIfNeeded: random.uint64())
                }
                let odd = String(decoding: changed.prefix(Int(random.below(UInt64(changed.count + 1)))), as: UTF8.self)
                let chains =
                    (NftRuleset.chains(json: odd, text: odd, skips: { _ in false }) ?? [])
                    + IptablesRuleset(odd, isIPv6: false).chains
                let rules = FirewallRules(chains: chains)
                _ = rules.obstacle(to: datagram, at: [.prerouting, .input])
                _ = rules.mayChangeSource(of: datagram)
            }
        }
    }
}
