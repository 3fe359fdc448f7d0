/// The ten bytes before each packet of a TUN device with offloads (`virtio_net_hdr`), in host byte order. Datapath §1.
public struct VirtioHeader: Equatable, Sendable {
    /// The number of bytes.
    @inlinable public static var size: Int { 10 }

    /// ``flags``: the checksum field holds the folded pseudo-header sum and the checksum is still to be completed.
    @inlinable public static var needsChecksum: UInt8 { 1 }

    /// Values of ``segmentationType``.
    public enum SegmentationType {
        @inlinable public static var none: UInt8 { 0 }
        @inlinable public static var tcp4: UInt8 { 1 }
        @inlinable public static var tcp6: UInt8 { 4 }
        @inlinable public static var udp: UInt8 { 5 }
        /// Added to a TCP type when the first segment carries CWR.
        @inlinable public static var ecn: UInt8 { 0x80 }
    }

    public var flags: UInt8 = 0
    /// What kind of super-packet follows; one of ``SegmentationType``.
    public var segmentationType: UInt8 = 0
    /// Bytes of all headers of the packet. A hint that isn't to be trusted.
    public var headerLength: UInt16 = 0
    /// Payload bytes of each segment but the last.
    public var segmentSize: UInt16 = 0
    /// Where the checksummed bytes begin, from the start of the packet.
    public var checksumStart: UInt16 = 0
    /// Where the checksum goes, from ``checksumStart``.
    public var checksumOffset: UInt16 = 0

    /// All zeros: an ordinary packet with complete checksums.
    @inlinable
    public init() {}

    /// Reads ten bytes, which must be there.
    @inlinable
    public init(loading source: UnsafeRawPointer) {
        flags = source.load(as: UInt8.self)
        segmentationType = source.load(fromByteOffset: 1, as: UInt8.self)
        headerLength = source.loadUnaligned(fromByteOffset: 2, as: UInt16.self)
        segmentSize = source.loadUnaligned(fromByteOffset: 4, as: UInt16.self)
        checksumStart = source.loadUnaligned(fromByteOffset: 6, as: UInt16.self)
        checksumOffset = source.loadUnaligned(fromByteOffset: 8, as: UInt16.self)
    }

    /// Writes ten bytes to `target`, which must have room for them.
    @inlinable
    public func store(to target: UnsafeMutableRawPointer) {
        target.storeBytes(of: flags, as: UInt8.self)
        target.storeBytes(of: segmentationType, toByteOffset: 1, as: UInt8.self)
        target.storeBytes(of: headerLength, toByteOffset: 2, as: UInt16.self)
        target.storeBytes(of: segmentSize, toByteOffset: 4, as: UInt16.self)
        target.storeBytes(of: checksumStart, toByteOffset: 6, as: UInt16.self)
        target.storeBytes(of: checksumOffset, toByteOffset: 8, as: UInt16.self)
    }
}
