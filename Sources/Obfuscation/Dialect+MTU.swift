import Tunnel
import Wire

extension Dialect {
    /// Bytes that a datagram with a packet as long as the interface's MTU has beyond what WireGuard makes of it, at most.
    package var overhead: Int {
        switch self {
        case .plain, .lwo, .xor, .xorBatch, .warp: 0
        // A header of nine bytes in place of sixteen, and up to fifteen bytes behind the tag.
        case .veil: 8
        case .amneziaWG(let settings): settings.overhead
        case .swgp(let settings): settings.isParanoid ? SWGP.paranoidOverhead : 0
        // Whoever uses the masking is answered with it. Bytes behind the message only stand in shorter datagrams.
        case .wgObfuscator: STUN.dataHeaderSize
        }
    }

    /// The MTU of an interface whose datagrams pass without fragments. Obfuscation §1.2, §2.
    ///
    /// - Parameters:
    ///   - pathMTU: bytes of the largest IP packet on the path.
    ///   - isIPv6: whether the peer is reached by IPv6.
    package func interfaceMTU(pathMTU: Int, isIPv6: Bool) -> Int {
        let headers = isIPv6 ? 40 + 8 : 20 + 8
        let room = max(0, pathMTU - headers - overhead - Message.Data.overhead)
        // swgp-go's own rule, so that padding to multiples of 16 never makes a datagram too long.
        if case .swgp = self { return room & ~15 }
        return room
    }
}
