package import Tunnel

/// A capture file (pcap, nanosecond times, link type RAW: packets begin with their IP header), for `tshark` and its like.
package struct PcapWriter {
    /// The file so far.
    package private(set) var bytes: [UInt8] = []

    private static let nanosecondMagic: UInt32 = 0xa1b2_3c4d
    private static let linkTypeRaw: UInt32 = 101
    private static let snapLength: UInt32 = 65_575

    package init() {
        append(Self.nanosecondMagic)
        append(UInt16(2))
        append(UInt16(4))
        append(UInt32(0))
        append(UInt32(0))
        append(Self.snapLength)
        append(Self.linkTypeRaw)
    }

    /// Everything that `eavesdropper` saw.
    package init(_ eavesdropper: Eavesdropper) {
        self.init()
        for sighting in eavesdropper.sightings { append(sighting.datagram, at: sighting.wall) }
    }

    /// Adds a datagram, with IP and UDP headers made for it.
    package mutating func append(_ datagram: Datagram, at time: WallTime) {
        let packet = IPDatagram.bytes(of: datagram)
        append(UInt32(truncatingIfNeeded: time.seconds))
        append(time.nanoseconds)
        append(UInt32(packet.count))
        append(UInt32(packet.count))
        bytes += packet
    }

    private mutating func append(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: value.littleEndian) { bytes += $0 }
    }
}
