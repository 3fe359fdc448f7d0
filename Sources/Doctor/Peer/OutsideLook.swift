import LinuxNet
package import Wire

/// Finds out how far packets get on the way to peers, outside of the tunnel.
package enum OutsideLook {
    /// Where traceroute's datagrams go, since hardly anybody listens there.
    private static let otherPorts: ClosedRange<UInt16> = 33434...33523

    /// An answer for each endpoint, after a second; after three and a half where nothing at all comes back, since a router needs
    /// three to find out that a machine isn't there.
    ///
    /// - Parameter mark: of the tunnel's own datagrams; 0 for none.
    package static func take(_ endpoints: [Endpoint], mark: UInt32) -> [PeerProbe.Outside] {
        let echoes = EchoSockets(interface: nil, mark: mark)
        let others = endpoints.map { endpoint in
            var other = endpoint
            repeat { other.port = .random(in: otherPorts) } while other.port == endpoint.port
            return other
        }
        // Bytes by chance: whatever the disguise, it is what a stranger would send.
        let payload = (0..<Int.random(in: 40...100)).map { _ in UInt8.random(in: 0 ... .max) }
        let ports = PortProbe(endpoints + others, mark: mark)
        var places: [UInt16: Int] = [:]
        var alive: Set<Int> = []
        for (round, wait) in ([500, 500, 1250, 1250] as [UInt64]).enumerated() {
            for (place, endpoint) in endpoints.enumerated() where !alive.contains(place) {
                if let number = try? echoes.send(to: endpoint.address) { places[number] = place }
            }
            ports.send(payload)
            ports.wait(milliseconds: wait)
            while case let events = echoes.wait(milliseconds: 0), !events.isEmpty {
                for case .reply(let number, _, _) in events {
                    if let place = places[number] { alive.insert(place) }
                }
            }
            let isSilent = endpoints.indices.contains { place in
                !alive.contains(place) && ports.answers[place] == .silence
                    && ports.answers[place + endpoints.count] == .silence
            }
            if !ports.answers.contains(.silence) || round > 0 && !isSilent { break }
        }
        let answers = ports.answers
        return endpoints.indices.map { place in
            PeerProbe.Outside(
                port: answers[place], otherPort: answers[place + endpoints.count],
                answersEcho: alive.contains(place))
        }
    }
}

extension PeerProbe.Outside {
    /// Whether somebody has said why nothing can come of it.
    package var isConclusive: Bool {
        switch port {
        case .refused, .unsent: true
        case .silence, .datagram: false
        }
    }
}
