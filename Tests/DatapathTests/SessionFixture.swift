import NoisePrimitives
import TestKit
import Tunnel
import Wire

/// A device with a session to a peer of its own, for what needs one but no network.
struct SessionFixture {
    let host: SimulatedHost
    let peer: Peer
    let now: Moment

    /// - Parameter endpoint: the peer's, of either address family.
    init(seed: UInt64 = 1, endpoint: String = "192.0.2.2") {
        let network = SimulatedNetwork(seed: seed)
        let random = SeededRandom(seed: seed)
        let inside = IPAddress("10.0.0.2")!
        func makeHost(_ address: String, seed: UInt64) -> SimulatedHost {
            SimulatedHost(
                privateKey: random.secret(), endpoint: Endpoint(IPAddress(address)!, port: 1111),
                random: SeededRandom(seed: seed), now: network.now)
        }
        let host = makeHost("192.0.2.1", seed: seed &+ 1)
        let other = makeHost(endpoint, seed: seed &+ 2)
        for (one, two) in [(host, other), (other, host)] {
            network.attach(one)
            var peer = PeerChange(two.publicKey)
            peer.endpoint = two.endpoint
            peer.allowedIPs = [.add(Prefix(one === host ? "10.0.0.2/32" : "10.0.0.1/32")!)]
            var change = DeviceChange()
            change.peers = [peer]
            network.change(one) { $0.apply(change, now: network.now) }
        }
        network.send(SamplePacket.udp(from: IPAddress("10.0.0.1")!, to: inside), from: host)
        network.run(for: .seconds(1))
        self.host = host
        peer = host.peer(other.publicKey)!
        now = network.now
    }

    var grant: SendGrant { peer.sendGrant(at: now.instant)! }
}
