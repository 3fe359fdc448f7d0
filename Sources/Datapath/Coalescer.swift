package import Glibc
import Wire

/// Joins runs of TCP and UDP packets on their way to a TUN device into super-packets, without copying payload.
/// Datapath §1.2.
///
/// Packets are added in order of arrival until the coalescer is full or there are no more; then ``next()`` gives one
/// thing to write after another, and ``reset()`` begins anew. The memory of the packets stays the caller's and must stay
/// valid until then.
///
/// The packets of a flow (addresses, ports and protocol) keep their order, for a packet only ever joins the newest item
/// of its flow, and whatever can't be joined closes that item. The one exception mends order: a TCP packet that
/// arrives late goes before the data that follows it in sequence, where that is the flow's newest item.
package struct Coalescer: ~Copyable {
    /// How many packets it holds.
    package let capacity: Int
    /// Whether everything written begins with a ``VirtioHeader``. Without one nothing is joined.
    package let usesVirtioHeader: Bool
    /// Whether TCP packets may be joined. Takes effect with the next packet.
    package var mergesTCP: Bool
    /// Whether UDP packets may be joined. Takes effect with the next packet.
    package var mergesUDP: Bool
    /// How many packets it holds now.
    package private(set) var count = 0

    /// Bytes before each packet that ``next()`` and ``nextPart()`` may overwrite.
    package static let headroom = VirtioHeader.size
    /// The most packets that are joined into one, and so the most slices to be written together.
    package static let maximumParts = 128
    /// The same for UDP. Some kernels refuse more.
    package static let maximumDatagrams = 64
    /// Bytes of the longest super-packet, without virtio header.
    package static let maximumLength = 65535

    /// Something to write in one call.
    package struct Output {
        /// What to write, in this order. Valid until the coalescer is used again.
        package let slices: UnsafeBufferPointer<iovec>
        /// Bytes of all slices together.
        package let length: Int
        /// How many packets it holds. More than one makes a super-packet, which ``nextPart()`` can take apart.
        package let partCount: Int
    }

    /// By order of arrival.
    let packets: UnsafeMutablePointer<Packet>
    /// By order of first appearance.
    let items: UnsafeMutablePointer<Item>
    var itemCount = 0
    /// The item that the last packet made or was joined to, if it is the newest of its flow; else −1. Packets of a flow
    /// mostly come together.
    private var lastItem = -1
    /// The number of items that ``next()`` has given.
    var itemsWritten = 0
    /// The packet that ``nextPart()`` gives next, or −1.
    var nextPartIndex: Int32 = -1
    var flows: FlowTable

    let slices: UnsafeMutablePointer<iovec>
    /// The headers of the newest output's first packet as they were, while ``savedLength`` isn't zero.
    let savedHeader: UnsafeMutableRawPointer
    var savedLength = 0

    /// Allocates everything that it will ever need for `capacity` packets, of which there must be at least one.
    package init(capacity: Int, usesVirtioHeader: Bool, mergesTCP: Bool, mergesUDP: Bool) {
        precondition(capacity > 0 && capacity <= 1 << 20)
        self.capacity = capacity
        self.usesVirtioHeader = usesVirtioHeader
        self.mergesTCP = mergesTCP
        self.mergesUDP = mergesUDP
        packets = .allocate(capacity: capacity)
        items = .allocate(capacity: capacity)
        flows = FlowTable(capacity: capacity)
        slices = .allocate(capacity: Self.maximumParts)
        savedHeader = .allocate(byteCount: Shape.maximumHeaderLength, alignment: 8)
    }

    deinit {
        // Safe: what was stored is trivial.
        packets.deallocate()
        items.deallocate()
        slices.deallocate()
        savedHeader.deallocate()
    }

    /// Whether the packet that was added last is TCP data that may be joined.
    package var endsInTCP: Bool { lastItem >= 0 && items[lastItem].shape.isTCP }

    /// Takes the next packet if it simply goes on where the last one ended, as most packets of a flow do: the same headers
    /// but for what must differ. False, without taking it, when that isn't so or there is no more room.
    ///
    /// Of the `available` bytes at `packet`, behind ``headroom`` bytes that may be overwritten, nothing needs to have been
    /// checked. There may be padding at the end.
    package mutating func extend(by packet: UnsafeMutableRawPointer, available: Int) -> Bool {
        guard lastItem >= 0, count < capacity else { return false }
        // A local copy, since Swift 6.3 can't compile a call through `self.items` for the thread sanitizer.
        let items = items
        guard available > items[lastItem].shape.headerLength else { return false }
        let length = items[lastItem].shape.statedLength(packet)
        guard length <= available else { return false }
        packets[count] = Packet(start: packet, length: length, next: -1)
        guard items[lastItem].extend(by: Int32(truncatingIfNeeded: count), packets: packets) else { return false }
        count &+= 1
        return true
    }

    /// Takes the next packet, `length` bytes of IP packet at `packet` behind ``headroom`` bytes that may be overwritten.
    /// False, without taking it, when there are `capacity` already.
    ///
    /// `length` is the packet's own, without padding; otherwise the packet passes through alone.
    package mutating func add(_ packet: UnsafeMutableRawPointer, length: Int) -> Bool {
        guard count < capacity else { return false }
        let index = Int32(truncatingIfNeeded: count)
        packets[count] = Packet(start: packet, length: length, next: -1)
        count &+= 1
        guard usesVirtioHeader, mergesTCP || mergesUDP else {
            appendItem(Item(single: index))
            return true
        }
        lastItem = -1
        let candidate = Candidate(packet, length: length, mergesTCP: mergesTCP, mergesUDP: mergesUDP)
        switch candidate.role {
        case .data:
            addData(candidate, index: index)
        case .ofFlow:
            let slot = flows.find(candidate, items: items, packets: packets)
            if let item = flows.item(at: slot) { items[item].isClosed = true }
            appendItem(Item(single: index))
        case .ofUnknownFlow:
            flows.removeAll()
            appendItem(Item(single: index))
        case .unrelated:
            appendItem(Item(single: index))
        }
        return true
    }

    /// Forgets all packets.
    package mutating func reset() {
        count = 0
        itemCount = 0
        itemsWritten = 0
        nextPartIndex = -1
        savedLength = 0
        lastItem = -1
        flows.removeAll()
    }

    /// Joins the packet to its flow's newest item or makes it a new one.
    private mutating func addData(_ candidate: Candidate, index: Int32) {
        let slot = flows.find(candidate, items: items, packets: packets)
        // A local copy, since Swift 6.3 can't compile a call through `self.items` for the thread sanitizer.
        let items = items
        if let newest = flows.item(at: slot), items[newest].join(candidate, index: index, packets: packets) {
            lastItem = newest
            return
        }
        flows.set(slot, to: itemCount)
        lastItem = itemCount
        appendItem(Item(candidate, index: index))
    }

    private mutating func appendItem(_ item: Item) {
        // Safe: each packet makes at most one item, and there's room for as many as packets.
        items[itemCount] = item
        itemCount &+= 1
    }
}

extension Coalescer {
    /// One packet that was added.
    struct Packet {
        let start: UnsafeMutableRawPointer
        let length: Int
        /// The packet whose payload follows this one's in the same item, or −1.
        var next: Int32
    }
}
