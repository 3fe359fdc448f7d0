import Glibc

/// The sockets of a device: one for each address family that the machine has, on the same port. Protocol §11.
package struct UDPSocketPair: Sendable {
    package let v4: UDPSocket?
    package let v6: UDPSocket?

    /// The port of both.
    package var port: UInt16 { v4?.port ?? v6?.port ?? 0 }

    /// The socket of `family`; nil on a machine without it.
    package subscript(family: AddressFamily) -> UDPSocket? {
        family == .v4 ? v4 : v6
    }

    /// Opens both on `port`; 0 takes a port that is free for both.
    ///
    /// - Throws: ``SystemError``, `EADDRINUSE` when the port is taken on either family.
    package static func bind(
        port: UInt16, firewallMark: UInt32 = 0, options: UDPSocket.Options = UDPSocket.Options()
    ) throws(SystemError) -> UDPSocketPair {
        try bind(port: port) { (family, port) throws(SystemError) in
            try UDPSocket.bind(family, port: port, firewallMark: firewallMark, options: options)
        }
    }

    /// The same with sockets that `open` makes.
    static func bind(
        port: UInt16, open: (AddressFamily, UInt16) throws(SystemError) -> UDPSocket
    ) throws(SystemError) -> UDPSocketPair {
        var attempts = 0
        while true {
            attempts += 1
            let v4 = try openIfSupported(.v4, port, open)
            do throws(SystemError) {
                let v6 = try openIfSupported(.v6, v4?.port ?? port, open)
                guard v4 != nil || v6 != nil else {
                    throw SystemError(EAFNOSUPPORT, "open a UDP socket", advice: "there is neither IPv4 nor IPv6")
                }
                return UDPSocketPair(v4: v4, v6: v6)
            } catch {
                guard error.code == EADDRINUSE, port == 0, attempts < maximumAttempts else { throw error }
            }
        }
    }

    /// How often a random port of IPv4 is tried that may be taken on IPv6.
    static let maximumAttempts = 100

    private static func openIfSupported(
        _ family: AddressFamily, _ port: UInt16, _ open: (AddressFamily, UInt16) throws(SystemError) -> UDPSocket
    ) throws(SystemError) -> UDPSocket? {
        do throws(SystemError) {
            return try open(family, port)
        } catch {
            guard error.code == EAFNOSUPPORT else { throw error }
            return nil
        }
    }
}
