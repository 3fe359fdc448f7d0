import Control
import LinuxNet
package import Wire

/// What `nightjar ping` has to say about one layer.
package struct PingLine: Equatable, Sendable {
    package enum Layer: String, CaseIterable, Sendable {
        case name, route, udp = "UDP", handshake, echo
    }

    package enum Result: String, Sendable {
        case works = "ok", fails = "failed", unknown = "?"
    }

    package let layer: Layer
    package let result: Result
    package let text: String

    package init(_ layer: Layer, _ result: Result, _ text: String) {
        self.layer = layer
        self.result = result
        self.text = text
    }

    /// One line, without its end.
    package var description: String {
        "  " + layer.rawValue.padded(11) + result.rawValue.padded(8) + text
    }
}

extension PingLine {
    package static func name(_ name: String, _ answer: PeerProbe.NameAnswer, endpoint: Endpoint?) -> PingLine {
        switch answer {
        case .failure(let reason): return PingLine(.name, .fails, "\(name.printable): \(reason.printableLine)")
        case .tooSlow: return PingLine(.name, .fails, "\(name.printable): the name servers don't answer")
        case .endpoints(let endpoints):
            let list = Set(endpoints.map { "\($0.address)" }).sorted().prefix(4).joined(separator: ", ")
            if let endpoint, !endpoints.contains(where: { $0.address == endpoint.address }) {
                return PingLine(.name, .unknown, "\(name.printable) is \(list); the interface has \(endpoint.address)")
            }
            return PingLine(.name, .works, "\(name.printable) is \(list)")
        }
    }

    /// - Parameters:
    ///   - way: that packets take; nil when there is none.
    ///   - interface: the tunnel's own.
    package static func route(to endpoint: Endpoint, _ way: Way?, interface: String) -> PingLine {
        guard let way else { return PingLine(.route, .fails, "there is no route to \(endpoint.address)") }
        if way.interface == interface {
            return PingLine(.route, .fails, "\(endpoint.address) leads into the tunnel itself")
        }
        let gateway = way.gateway.map { " via \($0)" } ?? ""
        return PingLine(.route, .works, "\(endpoint.address) by \(way.interface)\(gateway)")
    }

    package static func udp(_ endpoint: Endpoint, _ call: PeerProbe.Call, _ outside: PeerProbe.Outside?) -> PingLine {
        switch call {
        case .answered, .unneeded, .undecryptable: return PingLine(.udp, .works, "\(endpoint) answers")
        case .untried, .unanswered, .impossible: break
        }
        guard let outside else { return PingLine(.udp, .unknown, "\(endpoint)") }
        if let words = NetworkWords.sentence(outside.port, to: endpoint) { return PingLine(.udp, .fails, words) }
        switch outside.otherPort {
        case .refused(let refusal) where refusal.reason == .portUnreachable && refusal.sender == endpoint.address:
            return PingLine(
                .udp, .works, "datagrams reach \(endpoint.address), and somebody listens on \(endpoint.port)")
        case .refused, .unsent, .silence, .datagram:
            return outside.answersEcho
                ? PingLine(
                    .udp, .unknown, "\(endpoint.address) answers ICMP echo; whether datagrams reach it, nothing tells")
                : PingLine(.udp, .unknown, "nothing comes back from \(endpoint.address), not even ICMP")
        }
    }

    package static func handshake(_ call: PeerProbe.Call) -> PingLine {
        switch call {
        case .answered(let microseconds?):
            return PingLine(.handshake, .works, "answered in \(NetworkWords.milliseconds(microseconds))")
        case .answered(nil), .unneeded: return PingLine(.handshake, .works, "there is a session")
        case .undecryptable:
            return PingLine(.handshake, .fails, "the answer can't be decrypted: the preshared keys differ")
        case .impossible: return PingLine(.handshake, .fails, "the interface has no endpoint or no key for it")
        case .unanswered, .untried: return PingLine(.handshake, .fails, "no answer")
        }
    }

    package static func echo(_ echo: PeerProbe.Echo) -> PingLine {
        switch echo {
        case .untried:
            return PingLine(
                .echo, .unknown, "no address in the tunnel to ask, on this side or among the peer's AllowedIPs")
        case .answered(let address, let microseconds):
            return PingLine(.echo, .works, "\(address) in \(NetworkWords.milliseconds(microseconds))")
        case .dataOnly:
            return PingLine(.echo, .unknown, "data comes through the tunnel, but no answer to echo requests")
        case .lifeOnly:
            return PingLine(.echo, .unknown, "packets get there and back, but the peer doesn't answer echo requests")
        case .nothing: return PingLine(.echo, .fails, "nothing comes back through the tunnel")
        }
    }
}

extension String {
    fileprivate func padded(_ width: Int) -> String {
        self + String(repeating: " ", count: max(1, width - count))
    }
}
