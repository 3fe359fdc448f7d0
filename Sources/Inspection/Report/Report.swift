import Wire

/// What a box in the middle could tell of some traffic.
package struct Report: Codable, Sendable {
    package struct FlowReport: Codable, Sendable {
        package let transport: Segment.Transport
        /// Address and port of who began, as far as the capture tells.
        package let client: String
        package let server: String
        package let packets: Int
        /// Of payload.
        package let bytes: Int
        package let seconds: Double
        package let findings: [Finding]

        package func verdict(on aspect: Rule.Aspect) -> Verdict {
            Report.worst(findings.filter { $0.rule.aspect == aspect })
        }
    }

    package let packets: Int
    /// Packets that are neither UDP nor TCP over IP.
    package let others: Int
    package let fragments: Int
    /// Packets of flows beyond those that were followed.
    package let unfollowed: Int
    /// The busiest first.
    package let flows: [FlowReport]
    /// Of all UDP flows together; empty where there are fewer than two.
    package let together: [Finding]
    /// What went wrong on the way here, as a capture that is cut off.
    package var remarks: [String]
    /// Other programs' answers.
    package var detectors: [DetectorAnswer] = []

    package init(_ table: FlowTable, remarks: [String] = []) {
        packets = table.packets
        others = table.others
        fragments = table.fragments
        unfollowed = table.unfollowed
        flows = table.flows.map(FlowReport.init).sorted { ($0.packets, $1.client) > ($1.packets, $0.client) }
        together = TogetherRules.findings(of: table)
        self.remarks = remarks
        if table.oversized > 0 {
            self.remarks.append(
                "\(Text.count(table.oversized, "datagram")) larger than an Ethernet frame: on the machine that sends or "
                    + "receives them, several are captured as one. Sizes and bytes inside are hidden then; "
                    + "'ethtool -K INTERFACE tx-udp-segmentation off gro off' lets them be seen apart.")
        }
    }

    /// Whether any rule recognised something; other programs' answers count as well.
    package var isRecognised: Bool {
        (flows.flatMap(\.findings) + together).contains { $0.verdict == .recognised }
            || detectors.contains { ($0.recognised ?? 0) > 0 }
    }

    static func worst(_ findings: [Finding]) -> Verdict {
        for verdict in [Verdict.recognised, .suspicious, .clear]
        where findings.contains(where: { $0.verdict == verdict }) {
            return verdict
        }
        return .undecided
    }
}

extension Report.FlowReport {
    init(_ flow: Flow) {
        transport = flow.transport
        client = flow.client.description
        server = flow.server.description
        packets = flow.packets
        bytes = flow.bytes
        seconds = flow.seconds
        switch flow.transport {
        case .tcp:
            findings = [FullyEncryptedRule.finding(of: flow)] + DisguiseRules.findings(of: flow)
        case .udp:
            findings =
                flow.signatures.findings + [
                    ByteRules.finding(of: flow), ByteRules.header(of: flow), SizeRules.finding(of: flow),
                    RhythmRule.finding(of: flow), flow.bits.finding, FullyEncryptedRule.finding(of: flow),
                ] + DisguiseRules.findings(of: flow)
        }
    }
}
