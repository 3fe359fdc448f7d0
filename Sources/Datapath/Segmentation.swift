package import Wire

/// Why a packet read from a TUN device couldn't be cut into segments.
package enum SegmentationFailure: Error, Equatable, Sendable {
    /// The bytes don't begin with an IP packet whose lengths fit.
    case malformedPacket
    /// The virtio header names a kind of super-packet that was never asked for.
    case unknownType
    /// The virtio header and the IP header disagree about IP version or transport.
    case mismatchedType
    /// The virtio header places the checksum or the transport header outside of the packet or in its IP header.
    case checksumOutOfBounds
    /// The transport header is longer than the packet, or shorter than its kind allows.
    case malformedTransport
    /// A super-packet with segments of no size.
    case zeroSegmentSize
}

/// One packet or super-packet read from a TUN device, ready to be written out as packets. Datapath §1.1.
///
/// Holds pointers into the bytes that were read, which must stay until the last segment is written. There may be any
/// number of segments, each at most ``maximumLength`` bytes.
package struct Segmentation {
    /// 1 for an ordinary packet.
    package let segmentCount: Int
    /// Bytes of the IP and transport headers that begin each segment; all of an ordinary packet.
    package let headerLength: Int
    /// Payload bytes of each segment but the last, which may be shorter. Zero for an ordinary packet.
    package let segmentSize: Int
    /// The packet that was read, for its addresses, marks and version.
    package let packet: IPPacket

    /// Payload bytes of all segments together.
    let payloadLength: Int
    /// Where the transport header begins; segments of an ordinary packet have none to mend.
    let transportStart: Int
    let isTCP: Bool
    /// The partial sum of the IPv4 header without the fields that differ between segments.
    let networkSum: UInt64
    /// The partial sum of pseudo-header and transport header without the fields that differ between segments.
    let transportSum: UInt64

    /// Bytes of a segment.
    func length(ofSegment index: Int) -> Int {
        segmentSize == 0 ? packet.length : headerLength &+ min(segmentSize, payloadLength &- index &* segmentSize)
    }

    /// Bytes of the longest segment.
    package var maximumLength: Int { headerLength &+ min(segmentSize, payloadLength) }

    /// Checks `header` against `packet`, the bytes that followed it. An ordinary packet that wants its checksum completed
    /// gets it at once, in place. Bytes behind the end of the IP packet are left out.
    ///
    /// On a device without virtio headers, `header` is ``VirtioHeader/init()``.
    package static func plan(
        header: VirtioHeader, packet bytes: UnsafeMutableRawBufferPointer
    ) -> Result<Segmentation, SegmentationFailure> {
        guard let packet = IPPacket(UnsafeRawBufferPointer(bytes)), let start = bytes.baseAddress else {
            return .failure(.malformedPacket)
        }
        if header.segmentationType == VirtioHeader.SegmentationType.none {
            if header.flags & VirtioHeader.needsChecksum != 0, !completeChecksum(header, start, packet) {
                return .failure(.checksumOutOfBounds)
            }
            return .success(Segmentation(whole: packet))
        }
        return planSegments(header: header, packet: packet)
    }

    init(whole packet: IPPacket) {
        self.packet = packet
        segmentCount = 1
        headerLength = packet.length
        segmentSize = 0
        payloadLength = 0
        transportStart = packet.length
        isTCP = false
        networkSum = 0
        transportSum = 0
    }

    init(
        packet: IPPacket, transportStart: Int, headerLength: Int, segmentSize: Int, isTCP: Bool, networkSum: UInt64,
        transportSum: UInt64
    ) {
        let payloadLength = packet.length - headerLength
        self.packet = packet
        self.transportStart = transportStart
        self.headerLength = headerLength
        self.segmentSize = segmentSize
        self.payloadLength = payloadLength
        self.isTCP = isTCP
        self.networkSum = networkSum
        self.transportSum = transportSum
        segmentCount = max(1, (payloadLength + segmentSize - 1) / segmentSize)
    }

    /// False when the checksum lies outside of the payload.
    static func completeChecksum(
        _ header: VirtioHeader, _ start: UnsafeMutableRawPointer, _ packet: IPPacket
    ) -> Bool {
        let first = Int(header.checksumStart)
        let field = first + Int(header.checksumOffset)
        guard first >= packet.headerLength, field + 2 <= packet.length else { return false }
        // The field holds the pseudo-header's share already. A sum of zero is sent as 0xffff: in UDP zero means "none".
        let checksum = Checksum.finish(Checksum.sum(start + first, count: packet.length - first))
        start.storeBytes(of: checksum == 0 ? 0xffff : checksum, toByteOffset: field, as: UInt16.self)
        return true
    }
}
