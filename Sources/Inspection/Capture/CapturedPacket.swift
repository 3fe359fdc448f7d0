/// A packet as a capture holds it.
package struct CapturedPacket: Sendable {
    /// Nanoseconds since 1970, never negative.
    package let time: Int64
    /// What the bytes begin with.
    package let link: LinkType
    /// Bytes on the wire, of which the capture may hold fewer.
    package let originalLength: Int
    package let bytes: Octets

    package init(time: Int64, link: LinkType, originalLength: Int, bytes: Octets) {
        self.time = max(time, 0)
        self.link = link
        self.originalLength = max(originalLength, bytes.count)
        self.bytes = bytes
    }
}

/// The number that capture files give to a kind of link; the registry is at tcpdump.org.
package struct LinkType: Hashable, Sendable {
    package let number: UInt32

    package init(_ number: UInt32) {
        self.number = number
    }

    /// BSD's loopback: four bytes of address family, in the order of whoever wrote them.
    package static let null = LinkType(0)
    package static let ethernet = LinkType(1)
    /// An IP packet, as the older files of some systems say it.
    package static let olderRaw = [LinkType(12), LinkType(14)]
    /// An IP packet.
    package static let raw = LinkType(101)
    /// Linux's cooked header, version 1: 16 bytes.
    package static let cooked = LinkType(113)
    package static let loop = LinkType(108)
    package static let ipv4 = LinkType(228)
    package static let ipv6 = LinkType(229)
    /// Linux's cooked header, version 2: 20 bytes.
    package static let cooked2 = LinkType(276)
}

/// Why a capture can't be read, or not further.
package enum CaptureError: Error, Equatable, Sendable, CustomStringConvertible {
    case noCapture
    /// At this byte of the file.
    case damaged(offset: Int, what: String)

    package var description: String {
        switch self {
        case .noCapture: "this is neither a pcap nor a pcapng file"
        case .damaged(let offset, let what): "damaged at byte \(offset): \(what)"
        }
    }
}
