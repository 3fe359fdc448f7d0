import Glibc
import Wire

extension Coalescer {
    /// One packet or several joined ones, to be written together.
    struct Item {
        /// IPv6 without extension headers and the longest TCP header.
        static let maximumHeaderLength = 100

        /// The packet whose headers the item has, and the first in order of payload.
        private(set) var head: Int32
        private var tail: Int32
        private(set) var parts: Int32 = 1
        private(set) var isIPv6 = false
        private(set) var isTCP = false
        /// Whether the last packet has PSH.
        private(set) var isPushed = false
        /// Whether nothing may be joined any more.
        var isClosed: Bool
        private var isVerified = false
        private(set) var networkLength = 0
        /// Bytes of IP and transport header, the same in each packet.
        private(set) var headerLength = 0
        /// Bytes behind the headers, of all packets together.
        private(set) var payload = 0
        /// Payload bytes of each packet but the last, which may have fewer.
        private(set) var segmentSize = 0
        private var tailPayload = 0
        /// The TCP sequence number of the first payload byte.
        private var sequence: UInt32 = 0

        /// A packet that is never joined.
        init(single index: Int32) {
            head = index
            tail = index
            isClosed = true
        }

        init(_ candidate: Candidate, index: Int32) {
            head = index
            tail = index
            isClosed = false
            isIPv6 = candidate.isIPv6
            isTCP = candidate.isTCP
            isPushed = candidate.isPushed
            networkLength = candidate.networkLength
            headerLength = candidate.headerLength
            payload = candidate.payload
            segmentSize = candidate.payload
            tailPayload = candidate.payload
            if isTCP { sequence = Self.sequence(of: candidate) }
        }

        /// Joins data of the same flow to this, its newest item; false when something doesn't fit.
        mutating func join(_ candidate: Candidate, index: Int32, packets: UnsafeMutablePointer<Packet>) -> Bool {
            // Safe: the sums are of lengths of packets.
            guard !isClosed, parts < Coalescer.maximumParts, headerLength == candidate.headerLength,
                headerLength &+ payload &+ candidate.payload <= Coalescer.maximumLength
            else { return false }
            let first = packets[Int(head)]
            let goesFirst: Bool
            if follows(candidate) {
                goesFirst = false
            } else if precedes(candidate) {
                goesFirst = true
            } else {
                return false
            }
            guard Self.headersAgree(first.start, candidate) else { return false }
            if !isVerified {
                let itself = Candidate(first.start, length: first.length, mergesTCP: true, mergesUDP: true)
                guard itself.hasRightChecksums else {
                    isClosed = true
                    return false
                }
                isVerified = true
            }
            guard candidate.hasRightChecksums else { return false }

            if goesFirst {
                packets[Int(index)].next = head
                head = index
                sequence = Self.sequence(of: candidate)
                segmentSize = candidate.payload
            } else {
                packets[Int(tail)].next = index
                tail = index
                tailPayload = candidate.payload
                isPushed = candidate.isPushed
            }
            parts &+= 1
            payload &+= candidate.payload
            return true
        }

        /// Whether the packet may be appended: only behind a full segment, and in TCP only in sequence.
        private func follows(_ candidate: Candidate) -> Bool {
            guard tailPayload == segmentSize, candidate.payload <= segmentSize else { return false }
            guard isTCP else { return true }
            return !isPushed && Self.sequence(of: candidate) == sequence &+ UInt32(truncatingIfNeeded: payload)
        }

        /// Whether the packet may be put first: it must be as long as the other full segments. A single packet may as well be
        /// a short last segment.
        private func precedes(_ candidate: Candidate) -> Bool {
            guard isTCP, !candidate.isPushed,
                parts == 1 ? candidate.payload >= segmentSize : candidate.payload == segmentSize
            else { return false }
            return Self.sequence(of: candidate) &+ UInt32(truncatingIfNeeded: candidate.payload) == sequence
        }

        /// Whether the headers are the same in all that segmentation copies from the first packet to the others. The IPv4
        /// identification is left out. Addresses, ports and header lengths have been compared.
        private static func headersAgree(_ first: UnsafeMutableRawPointer, _ candidate: Candidate) -> Bool {
            let left = UnsafeRawPointer(first)
            let right = UnsafeRawPointer(candidate.start)
            // All but the lengths: version, traffic class, fragment bits or flow label, and in IPv6 the hop limit.
            let mask = candidate.isIPv6 ? UInt64(0xffff_ffff_0000_ffff) : 0xffff_0000_0000_ffff
            let difference = left.loadUnaligned(as: UInt64.self) ^ right.loadUnaligned(as: UInt64.self)
            guard difference & mask.bigEndian == 0 else { return false }
            if !candidate.isIPv6 {
                // Time to live and protocol.
                guard left.bigEndian16(at: 8) == right.bigEndian16(at: 8) else { return false }
            }
            guard candidate.isTCP else { return true }
            let leftTCP = left + candidate.networkLength
            let rightTCP = right + candidate.networkLength
            let flags = leftTCP.bigEndian16(at: TCPHeader.offsetAndFlags)
            let otherFlags = rightTCP.bigEndian16(at: TCPHeader.offsetAndFlags)
            let optionLength = candidate.headerLength &- candidate.networkLength &- TCPHeader.size
            return leftTCP.bigEndian32(at: TCPHeader.acknowledgement)
                == rightTCP.bigEndian32(at: TCPHeader.acknowledgement)
                && (flags ^ otherFlags) & ~TCPHeader.push == 0
                && leftTCP.bigEndian16(at: TCPHeader.window) == rightTCP.bigEndian16(at: TCPHeader.window)
                && leftTCP.bigEndian16(at: TCPHeader.urgentPointer)
                    == rightTCP.bigEndian16(at: TCPHeader.urgentPointer)
                && memcmp(leftTCP + TCPHeader.size, rightTCP + TCPHeader.size, optionLength) == 0
        }

        private static func sequence(of candidate: Candidate) -> UInt32 {
            UnsafeRawPointer(candidate.start).bigEndian32(at: candidate.networkLength &+ TCPHeader.sequence)
        }
    }
}
