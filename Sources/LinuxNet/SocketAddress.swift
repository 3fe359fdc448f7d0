import CLinux
import Glibc
import Wire

/// `sockaddr_in` and `sockaddr_in6` as bytes.
enum SocketAddress {
    /// Bytes to reserve for either form.
    static let capacity = 32

    /// Writes at most ``capacity`` bytes; returns the length of the form written.
    static func store(_ endpoint: Endpoint, to target: UnsafeMutableRawPointer) -> socklen_t {
        switch endpoint.address {
        case .v4(let address):
            var form = sockaddr_in()
            form.sin_family = sa_family_t(AF_INET)
            form.sin_port = endpoint.port.bigEndian
            form.sin_addr.s_addr = address.value.bigEndian
            target.storeBytes(of: form, as: sockaddr_in.self)
            return socklen_t(MemoryLayout<sockaddr_in>.size)
        case .v6(let address):
            var form = sockaddr_in6()
            form.sin6_family = sa_family_t(AF_INET6)
            form.sin6_port = endpoint.port.bigEndian
            withUnsafeMutableBytes(of: &form.sin6_addr) { bytes in
                // Safe: an in6_addr has 16 bytes.
                address.store(to: bytes.baseAddress.unsafelyUnwrapped)
            }
            form.sin6_scope_id = endpoint.scope
            target.storeBytes(of: form, as: sockaddr_in6.self)
            return socklen_t(MemoryLayout<sockaddr_in6>.size)
        }
    }

    /// Reads exactly one of the two forms; nil for anything else.
    static func load(whole bytes: UnsafeRawBufferPointer) -> Endpoint? {
        guard let start = bytes.baseAddress, bytes.count >= MemoryLayout<sa_family_t>.size else { return nil }
        switch Int32(start.loadUnaligned(as: sa_family_t.self)) {
        case AF_INET where bytes.count == MemoryLayout<sockaddr_in>.size: return load(from: start)
        case AF_INET6 where bytes.count == MemoryLayout<sockaddr_in6>.size: return load(from: start)
        default: return nil
        }
    }

    /// Reads what the kernel wrote into ``capacity`` bytes, where every family but IPv6 is IPv4.
    static func load(from source: UnsafeRawPointer) -> Endpoint {
        guard source.loadUnaligned(as: sa_family_t.self) == sa_family_t(AF_INET6) else {
            let form = source.loadUnaligned(as: sockaddr_in.self)
            let address = IPv4Address(UInt32(bigEndian: form.sin_addr.s_addr))
            return Endpoint(.v4(address), port: UInt16(bigEndian: form.sin_port))
        }
        let form = source.loadUnaligned(as: sockaddr_in6.self)
        let address = withUnsafeBytes(of: form.sin6_addr) { bytes in
            // Safe: an in6_addr has 16 bytes.
            IPv6Address(loading: bytes.baseAddress.unsafelyUnwrapped)
        }
        return Endpoint(
            .v6(address), port: UInt16(bigEndian: form.sin6_port), scope: address.isLinkLocal ? form.sin6_scope_id : 0)
    }
}
