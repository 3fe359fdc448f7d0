import Wire

extension Coalescer {
    /// One packet or several joined ones, to be written together.
    struct Item {
        /// The packet whose headers the item has, and the first in order of payload.
        private(set) var head: Int32
        private var tail: Int32
        private(set) var parts: Int32 = 1
        /// Whether the last packet has PSH.
        private(set) var isPushed = false
        /// Whether nothing may be joined any more.
        var isClosed: Bool
        private var isVerified = false
        /// Of each packet.
        let shape: Shape
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
            shape = Shape(isIPv6: false, isTCP: false, headerLength: 0)
        }

        init(_ candidate: Candidate, index: Int32) {
            head = index
            tail = index
            isClosed = false
            shape = candidate.shape
            isPushed = shape.isPushed(candidate.start)
            payload = candidate.payload
            segmentSize = candidate.payload
            tailPayload = candidate.payload
            if shape.isTCP { sequence = shape.sequence(candidate.start) }
        }

        /// Joins packet `index`, of which nothing has been checked but that it is as long as its IP header says, behind the
        /// others, where almost all belong. False, with nothing changed, unless everything fits: then it needs a closer look.
        ///
        /// Headers that agree with those of a packet that has been looked at need no look of their own.
        @inline(__always)
        mutating func extend(by index: Int32, packets: UnsafeMutablePointer<Packet>) -> Bool {
            let packet = packets[Int(index)]
            let added = packet.length &- shape.headerLength
            guard !isClosed, added > 0, hasRoom(for: added) else { return false }
            let first = packets[Int(head)]
            guard shape.headersAgree(first.start, packet.start), shape.lengthsAgree(packet.start, packet.length),
                follows(packet.start, added)
            else { return false }
            if !isVerified {
                guard shape.hasRightChecksums(first.start, length: first.length) else { return false }
                isVerified = true
            }
            guard shape.hasRightChecksums(packet.start, length: packet.length) else { return false }
            append(index, packet.start, added, packets)
            return true
        }

        /// Joins data of the same flow to this, its newest item; false when something doesn't fit.
        mutating func join(_ candidate: Candidate, index: Int32, packets: UnsafeMutablePointer<Packet>) -> Bool {
            guard !isClosed, shape == candidate.shape, hasRoom(for: candidate.payload) else { return false }
            let first = packets[Int(head)]
            let goesFirst: Bool
            if follows(candidate.start, candidate.payload) {
                goesFirst = false
            } else if precedes(candidate) {
                goesFirst = true
            } else {
                return false
            }
            guard shape.headersAgree(first.start, candidate.start) else { return false }
            if !isVerified {
                guard shape.hasRightChecksums(first.start, length: first.length) else {
                    isClosed = true
                    return false
                }
                isVerified = true
            }
            guard shape.hasRightChecksums(candidate.start, length: shape.headerLength &+ candidate.payload) else {
                return false
            }
            guard goesFirst else {
                append(index, candidate.start, candidate.payload, packets)
                return true
            }
            packets[Int(index)].next = head
            head = index
            sequence = shape.sequence(candidate.start)
            segmentSize = candidate.payload
            parts &+= 1
            payload &+= candidate.payload
            return true
        }

        @inline(__always)
        private func hasRoom(for added: Int) -> Bool {
            // Safe: the sums are of lengths of packets.
            parts < (shape.isTCP ? Coalescer.maximumParts : Coalescer.maximumDatagrams)
                && shape.headerLength &+ payload &+ added <= Coalescer.maximumLength
        }

        @inline(__always)
        private mutating func append(
            _ index: Int32, _ packet: UnsafeRawPointer, _ added: Int, _ packets: UnsafeMutablePointer<Packet>
        ) {
            packets[Int(tail)].next = index
            tail = index
            tailPayload = added
            isPushed = shape.isPushed(packet)
            parts &+= 1
            payload &+= added
        }

        /// Whether the packet may be appended: only behind a full segment, and in TCP only in sequence.
        @inline(__always)
        private func follows(_ packet: UnsafeRawPointer, _ added: Int) -> Bool {
            guard tailPayload == segmentSize, added <= segmentSize else { return false }
            guard shape.isTCP else { return true }
            return !isPushed && shape.sequence(packet) == sequence &+ UInt32(truncatingIfNeeded: payload)
        }

        /// Whether the packet may be put first: it must be as long as the other full segments. A single packet may as well be
        /// a short last segment.
        private func precedes(_ candidate: Candidate) -> Bool {
            guard shape.isTCP, !shape.isPushed(candidate.start),
                parts == 1 ? candidate.payload >= segmentSize : candidate.payload == segmentSize
            else { return false }
            return shape.sequence(candidate.start) &+ UInt32(truncatingIfNeeded: candidate.payload) == sequence
        }
    }
}
