import Tunnel
package import Wire

extension Engine {
    /// Ends a peer's sessions, and neither calls nor answers it until it is readmitted.
    package func suspend(_ publicKey: PublicKey) {
        tunnel.suspend(publicKey)
    }

    /// Serves a suspended peer again.
    package func readmit(_ publicKey: PublicKey) {
        tunnel.readmit(publicKey, now: moment())
        drain()
    }

    /// Has a peer suspended when so many more bytes have passed; nil: never for that.
    package func setAllowance(_ bytes: UInt64?, of publicKey: PublicKey) {
        tunnel.setAllowance(bytes, of: publicKey)
    }
}
