/// Times that WireGuard is known by. Obfuscation §8.4.
enum RhythmRule {
    /// Seconds that a flow must last before the absence of a rhythm means something.
    private static let patience = 60.0

    static func finding(of flow: Flow) -> Finding {
        var sentences: [String] = []
        for side in Side.allCases {
            let entries = flow.sizes.entries.filter { $0.key.side == side }.sorted { $0.key.size < $1.key.size }
            for (key, entry) in entries {
                let what = "the \(side.name)'s \(key.size) bytes"
                if entry.isHandshake { sentences.append("\(what) come again every two minutes, as new handshakes do") }
                if let times = entry.beats[.retry], times >= 3 {
                    sentences.append("\(what) were repeated \(times) times 5 s later, as unanswered initiations are")
                }
            }
            for (beat, seconds) in [(SizeCounts.Beat.persistentKeepalive, 25), (.passiveKeepalive, 10)] {
                let times = entries.reduce(0) { $0 + ($1.value.beats[beat] ?? 0) }
                guard times >= 3 else { continue }
                let silence = beat == .passiveKeepalive ? "of having received something" : "of silence"
                sentences.append("\(times) times the \(side.name) spoke after \(seconds) s \(silence)")
            }
        }
        let duration = "\(Text.decimal(flow.seconds, 0)) s"
        guard sentences.isEmpty else {
            if isLongAndSymmetric(flow) { sentences.append("one pair of addresses and ports for \(duration)") }
            return Finding(.rhythm, .suspicious, sentences)
        }
        guard flow.seconds >= patience else { return Finding(.rhythm, .undecided, "only \(duration) long") }
        let long = isLongAndSymmetric(flow) ? "; one pair of addresses and ports for \(duration), both ways" : ""
        return Finding(.rhythm, .clear, "no known interval" + long)
    }

    private static func isLongAndSymmetric(_ flow: Flow) -> Bool {
        let counts = Side.allCases.map { flow.packetsOf[$0] ?? 0 }
        return flow.seconds >= 120 && counts.allSatisfy { $0 * 5 >= flow.packets }
    }
}
