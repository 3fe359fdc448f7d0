package import Quick
package import Tunnel
package import Wire

/// What came of trying out the peers of one interface: questions for names, packets on the way and through the tunnel.
package struct PeerProbes: Sendable {
    package init() {}

    /// Tries the peers of an interface out, in at most three seconds.
    package static func take(_ interface: InterfaceFacts, _ host: HostFacts, _ surroundings: Surroundings) -> PeerProbes
    {
        PeerProbes()
    }
}
