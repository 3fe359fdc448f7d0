/// An IPv4 address, as a number in host order: 10.0.0.1 is 0x0A00_0001.
package struct IPv4Address: Hashable, Sendable {
    package var value: UInt32

    @inlinable
    package init(_ value: UInt32) {
        self.value = value
    }

    /// Reads four bytes in network order.
    @inlinable
    package init(loading source: UnsafeRawPointer) {
        value = UInt32(bigEndian: source.loadUnaligned(as: UInt32.self))
    }

    /// Writes four bytes in network order.
    package func store(to target: UnsafeMutableRawPointer) {
        target.storeBytes(of: value.bigEndian, as: UInt32.self)
    }
}

/// An IPv6 address, as two numbers in host order, the first eight bytes in `high`.
package struct IPv6Address: Hashable, Sendable {
    package var high: UInt64
    package var low: UInt64

    @inlinable
    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Reads sixteen bytes in network order.
    @inlinable
    package init(loading source: UnsafeRawPointer) {
        high = UInt64(bigEndian: source.loadUnaligned(as: UInt64.self))
        low = UInt64(bigEndian: source.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
    }

    /// Writes sixteen bytes in network order.
    package func store(to target: UnsafeMutableRawPointer) {
        target.storeBytes(of: high.bigEndian, as: UInt64.self)
        target.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
    }

    /// Whether the address is in fe80::/10 and so needs a scope.
    package var isLinkLocal: Bool { high >> 54 == 0xfe80 >> 6 }
}

/// An address of either family.
package enum IPAddress: Hashable, Sendable {
    case v4(IPv4Address)
    case v6(IPv6Address)

    /// 32 or 128.
    package var bitCount: Int {
        switch self {
        case .v4: 32
        case .v6: 128
        }
    }

    @inlinable
    package var isIPv6: Bool {
        if case .v6 = self { true } else { false }
    }
}

/// An address and how many of its leading bits count. The others are zero. Protocol §13.
package struct Prefix: Hashable, Sendable {
    package let address: IPAddress
    /// 0…32 or 0…128.
    package let length: Int

    /// Masks the host part of `address`; nil when `length` doesn't fit its family.
    package init?(_ address: IPAddress, length: Int) {
        guard length >= 0, length <= address.bitCount else { return nil }
        self.length = length
        switch address {
        case .v4(let v4):
            self.address = .v4(IPv4Address(length == 0 ? 0 : v4.value & (~0 << UInt32(32 - length))))
        case .v6(let v6):
            let high = length >= 64 ? ~0 : (length == 0 ? 0 : ~UInt64(0) << UInt64(64 - length))
            let low = length <= 64 ? 0 : ~UInt64(0) << UInt64(128 - length)
            self.address = .v6(IPv6Address(high: v6.high & high, low: v6.low & low))
        }
    }
}

/// Where a peer's datagrams go to or came from: an address, a UDP port, and for link-local IPv6 the interface.
package struct Endpoint: Hashable, Sendable {
    package var address: IPAddress
    package var port: UInt16
    /// The interface index of a link-local IPv6 address, else 0.
    package var scope: UInt32

    package init(_ address: IPAddress, port: UInt16, scope: UInt32 = 0) {
        self.address = address
        self.port = port
        self.scope = scope
    }
}
