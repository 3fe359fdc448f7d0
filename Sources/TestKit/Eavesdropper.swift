package import Tunnel
package import Wire

/// Whoever sits on the wire: it sees every datagram as it is sent, also those that are lost on the way.
package final class Eavesdropper {
    /// A datagram and when it was sent.
    package struct Sighting: Sendable {
        package let time: Instant
        package let wall: WallTime
        package let datagram: Datagram

        package var kind: Message.Kind? { datagram.kind }
    }

    package private(set) var sightings: [Sighting] = []

    package init() {}

    func see(_ datagram: Datagram, at now: Moment) {
        sightings.append(Sighting(time: now.instant, wall: now.wall, datagram: datagram))
    }

    /// Forgets everything seen.
    package func forget() {
        sightings = []
    }

    /// All datagrams of a kind, of one sender when it is given.
    package func all(_ kind: Message.Kind, from sender: Endpoint? = nil) -> [Sighting] {
        sightings.filter { $0.kind == kind && (sender == nil || $0.datagram.source == sender) }
    }

    /// Data messages without a packet inside, of one sender when it is given.
    package func keepalives(from sender: Endpoint? = nil) -> [Sighting] {
        all(.data, from: sender).filter { $0.datagram.payload.count == Message.Data.overhead }
    }

    /// Data messages with a packet inside, of one sender when it is given.
    package func packets(from sender: Endpoint? = nil) -> [Sighting] {
        all(.data, from: sender).filter { $0.datagram.payload.count > Message.Data.overhead }
    }

    /// Whether `secret` can be read anywhere in what was seen.
    package func canRead(_ secret: [UInt8]) -> Bool {
        sightings.contains { Self.contains($0.datagram.payload, secret) }
    }

    private static func contains(_ bytes: [UInt8], _ pattern: [UInt8]) -> Bool {
        guard !pattern.isEmpty, bytes.count >= pattern.count else { return pattern.isEmpty }
        return (0...bytes.count - pattern.count).contains { start in
            bytes[start] == pattern[0] && bytes[start..<start + pattern.count].elementsEqual(pattern)
        }
    }
}
