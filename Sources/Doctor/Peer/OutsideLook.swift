import LinuxNet
package import Wire

/// Finds out how far packets get on the way to peers, outside of the tunnel.
package enum OutsideLook {
    /// Where traceroute's datagrams go, since hardly anybody listens there.
    private static let otherPorts: ClosedRange<UInt16> = 33434...33523

    /// An answer for each endpoint.
    ///
    /// - Parameter mark: of the tunnel's own datagrams; 0 for none.
    package static func take(_ endpoints: [Endpoint], mark: UInt32, milliseconds: UInt64) -> [PeerProbe.Outside] {
        let echoes = EchoSockets(interface: nil, mark: mark)
        let numbers = endpoints.map { try? echoes.send(to: $0.address) }
        let others = endpoints.map { endpoint in
            var other = endpoint
            repeat { other.port = .random(in: otherPorts) } while other.port == endpoint.port
            return other
        }
        // Bytes by chance: whatever the disguise, it is what a stranger would send.
        let payload = (0..<Int.random(in: 40...100)).map { _ in UInt8.random(in: 0 ... .max) }
        let answers = PortProbe.run(endpoints + others, payload: payload, mark: mark, milliseconds: milliseconds)
        var alive: Set<UInt16> = []
        while true {
            let events = echoes.wait(milliseconds: 0)
            if events.isEmpty { break }
            for case .reply(let number, _, _) in events { alive.insert(number) }
        }
        return endpoints.indices.map { place in
            PeerProbe.Outside(
                port: answers[place], otherPort: answers[place + endpoints.count],
                answersEcho: numbers[place].map(alive.contains) ?? false)
        }
    }
}

extension PeerProbe.Outside {
    /// Whether nothing came back from anybody.
    package var isSilent: Bool { port == .silence && otherPort == .silence && !answersEcho }

    /// Whether somebody has said why nothing can come of it.
    package var isConclusive: Bool {
        switch port {
        case .refused, .unsent: true
        case .silence, .datagram: false
        }
    }
}
