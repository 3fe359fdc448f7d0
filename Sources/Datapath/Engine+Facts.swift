package import Tunnel
package import Wire

extension Engine {
    /// A datagram that would mean something under other settings of obfuscation.
    package struct Mismatch: Sendable {
        /// A sentence that names the setting.
        package let finding: String
        package let endpoint: Endpoint
        package let at: Instant
    }

    /// What a running device knows beyond its configuration. Its peers go on changing.
    package struct Facts {
        package let now: Instant
        /// When the engine was made.
        package let started: Instant
        package let isUp: Bool
        /// Why an interface that is up has no sockets, as an `errno` value; 0 when it has them or is down.
        package let bindFailure: Int32
        /// Bytes.
        package let mtu: Int
        package let isUnderLoad: Bool
        package let drops: DropCounters
        package let stranger: Device.Stranger?
        package let misdirected: Device.Sighting?
        package let mismatch: Mismatch?
        /// In the order of their creation.
        package let peers: [Peer]
    }

    /// What is known now.
    package var facts: Facts {
        let now = moment().instant
        return Facts(
            now: now, started: started, isUp: isUp || bindFailure != 0, bindFailure: bindFailure, mtu: shared.mtu,
            isUnderLoad: tunnel.isUnderLoad(at: now), drops: shared.drops, stranger: tunnel.stranger,
            misdirected: tunnel.misdirected, mismatch: lastMismatch, peers: tunnel.peersInOrder)
    }

    /// Sends an initiation to a peer now, unless one went a moment ago.
    package func initiate(_ publicKey: PublicKey) -> InitiationOutcome {
        let outcome = tunnel.initiate(publicKey, now: moment())
        drain()
        return outcome
    }
}
