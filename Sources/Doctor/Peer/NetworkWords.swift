package import LinuxNet
package import Wire

/// What probes have found, in words.
package enum NetworkWords {
    /// What becomes of datagrams to `endpoint`; nil when nothing is known.
    package static func sentence(_ answer: PortProbe.Answer, to endpoint: Endpoint) -> String? {
        switch answer {
        case .silence: nil
        case .datagram: "something answers strangers on \(endpoint), which WireGuard never does"
        case .refused(let refusal): sentence(refusal, to: endpoint)
        case .unsent(let code): "this machine can't send to \(endpoint): \(SystemError.text(for: code))"
        }
    }

    package static func sentence(_ refusal: NetworkRefusal, to endpoint: Endpoint) -> String {
        let who = refusal.sender == endpoint.address ? "it" : "\(refusal.sender)"
        switch refusal.reason {
        case .portUnreachable:
            return refusal.sender == endpoint.address
                ? "nobody listens on \(endpoint) (ICMP port unreachable)"
                : "\(who) turns datagrams to \(endpoint) away (ICMP port unreachable)"
        case .hostUnreachable: return "\(endpoint.address) isn't there, says \(who) (ICMP host unreachable)"
        case .networkUnreachable:
            return "there is no way to \(endpoint.address), says \(who) (ICMP network unreachable)"
        case .prohibited: return "a firewall on \(who) refuses datagrams to \(endpoint) (ICMP prohibited)"
        case .packetTooLarge(let mtu):
            return "the way to \(endpoint.address) carries packets of \(mtu) bytes, says \(who)"
        case .hopsExceeded:
            return "packets to \(endpoint.address) go round in circles, says \(who) (ICMP time exceeded)"
        case .other(let type, let code):
            return "\(who) refuses datagrams to \(endpoint) (ICMP type \(type), code \(code))"
        }
    }

    /// `12.3 ms`, `0.41 ms`, `1200 ms`.
    package static func milliseconds(_ microseconds: UInt64) -> String {
        let digits = microseconds < 1000 ? 100 : microseconds < 100_000 ? 10 : 1
        // Safe: digits is from 1 to 100, and an answer comes within minutes.
        let rounded = (microseconds * UInt64(digits) + 500) / 1000
        let whole = rounded / UInt64(digits)
        guard digits > 1 else { return "\(whole) ms" }
        let rest = String(rounded % UInt64(digits))
        let zeros = String(repeating: "0", count: (digits == 100 ? 2 : 1) - rest.count)
        return "\(whole).\(zeros)\(rest) ms"
    }
}
