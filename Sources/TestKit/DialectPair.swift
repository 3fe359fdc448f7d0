import NoisePrimitives
package import Obfuscation
import Tunnel
import Wire

/// Two hosts that are each other's only peer: alice, at 192.0.2.1 and inside 10.0.0.1, calls bob, at 192.0.2.2 and inside 10.0.0.2.
package struct DialectPair {
    package let network: SimulatedNetwork
    package let alice: SimulatedHost
    package let bob: SimulatedHost

    /// - Parameter bobs: what bob speaks, unless it is the same.
    package init(_ dialect: Dialect, bobs: Dialect? = nil, seed: UInt64 = 1, mtu: Int = 1380, bothCall: Bool = false) {
        network = SimulatedNetwork(seed: seed)
        let (random, clock) = (SeededRandom(seed: seed &* 1000), network.now)
        func host(_ address: String, _ port: UInt16) -> SimulatedHost {
            SimulatedHost(
                privateKey: random.secret(), endpoint: Endpoint(IPAddress(address)!, port: port), mtu: mtu,
                random: SeededRandom(seed: seed &* 1000 &+ UInt64(port)), now: clock)
        }
        alice = host("192.0.2.1", 1111)
        bob = host("192.0.2.2", 2222)
        for (one, other, inside) in [(alice, bob, "10.0.0.2/32"), (bob, alice, "10.0.0.1/32")] {
            network.attach(one)
            var peer = PeerChange(other.publicKey)
            peer.allowedIPs = [.add(Prefix(inside)!)]
            if one === alice || bothCall { peer.endpoint = other.endpoint }
            var change = DeviceChange()
            change.peers = [peer]
            network.change(one) { $0.apply(change, now: network.now) }
        }
        speak(alice, dialect, with: bob, isPeerServer: true)
        speak(bob, bobs ?? dialect, with: alice, isPeerServer: bothCall)
    }

    package func speak(_ host: SimulatedHost, _ dialect: Dialect, with peer: SimulatedHost, isPeerServer: Bool) {
        host.speak(
            [SimulatedHost.Conversation(dialect, with: peer.publicKey, isPeerServer: isPeerServer)], now: network.now)
    }

    /// A packet from one side's address to the other's.
    package func packet(from host: SimulatedHost, _ length: Int = 84, filling: String = "nightjar") -> [UInt8] {
        let addresses = [IPAddress("10.0.0.1")!, IPAddress("10.0.0.2")!]
        let (source, destination) = host === alice ? (addresses[0], addresses[1]) : (addresses[1], addresses[0])
        return SamplePacket.udp(from: source, to: destination, length: length, filling: Array(filling.utf8))
    }

    package func send(from host: SimulatedHost, _ length: Int = 84, filling: String = "nightjar") {
        network.send(packet(from: host, length, filling: filling), from: host)
    }

    package func run(_ seconds: Double) { network.run(for: Instant.Span(nanoseconds: UInt64(seconds * 1e9))) }

    package func forget() {
        network.eavesdropper.forget()
        alice.forget()
        bob.forget()
    }
}
