/// An IPv4 address, as a number in host order: 10.0.0.1 is 0x0A00_0001.
public struct IPv4Address: Hashable, Sendable {
    public var value: UInt32

    @inlinable
    public init(_ value: UInt32) {
        self.value = value
    }

    /// Reads four bytes in network order.
    @inlinable
    public init(loading source: UnsafeRawPointer) {
        value = UInt32(bigEndian: source.loadUnaligned(as: UInt32.self))
    }

    /// Writes four bytes in network order.
    public func store(to target: UnsafeMutableRawPointer) {
        target.storeBytes(of: value.bigEndian, as: UInt32.self)
    }
}

/// An IPv6 address, as two numbers in host order, the first eight bytes in `high`.
public struct IPv6Address: Hashable, Sendable {
    public var high: UInt64
    public var low: UInt64

    @inlinable
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Reads sixteen bytes in network order.
    @inlinable
    public init(loading source: UnsafeRawPointer) {
        high = UInt64(bigEndian: source.loadUnaligned(as: UInt64.self))
        low = UInt64(bigEndian: source.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
    }

    /// Writes sixteen bytes in network order.
    public func store(to target: UnsafeMutableRawPointer) {
        target.storeBytes(of: high.bigEndian, as: UInt64.self)
        target.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
    }

    /// Whether the address is in fe80::/10 and so needs a scope.
    public var isLinkLocal: Bool { high >> 54 == 0xfe80 >> 6 }
}

/// An address of either family.
public enum IPAddress: Hashable, Sendable {
    case v4(IPv4Address)
    case v6(IPv6Address)

    /// 32 or 128.
    public var bitCount: Int {
        switch self {
        case .v4: 32
        case .v6: 128
        }
    }

    @inlinable
    public var isIPv6: Bool {
        if case .v6 = self { true } else { false }
    }

    /// Whether it stands for more than one machine wherever it is: a multicast address, or 255.255.255.255.
    public var isForMany: Bool {
        switch self {
        case .v4(let v4): v4.value >> 28 == 0xe || v4.value == 0xffff_ffff
        case .v6(let v6): v6.high >> 56 == 0xff
        }
    }
}

/// An address and how many of its leading bits count. The others are zero. Protocol §13.
public struct Prefix: Hashable, Sendable {
    public let address: IPAddress
    /// 0…32 or 0…128.
    public let length: Int

    /// Masks the host part of `address`; nil when `length` doesn't fit its family.
    public init?(_ address: IPAddress, length: Int) {
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
public struct Endpoint: Hashable, Sendable {
    public var address: IPAddress
    public var port: UInt16
    /// The interface index of a link-local IPv6 address, else 0.
    public var scope: UInt32

    public init(_ address: IPAddress, port: UInt16, scope: UInt32 = 0) {
        self.address = address
        self.port = port
        self.scope = scope
    }
}
