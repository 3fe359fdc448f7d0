package import Tunnel

extension PeerAnnotation {
    /// What goes on after the peer's name in a sentence.
    package var limitSentence: String {
        let end = expires.map { "until \(Expiry(time: $0).description)" }
        let amount = quota.map { "for \(ByteQuantity(bytes: $0).description)" }
        let limits = [end, amount].compactMap { $0 }
        return limits.isEmpty ? "has no limits" : "may be used \(limits.joined(separator: " and "))"
    }
}
