extension Coalescer {
    /// Finds the newest item of a flow: a hash table of fixed size with linear probing, emptied by counting up.
    struct FlowTable: ~Copyable {
        private struct Slot {
            /// The slot is in use when this is the table's.
            var generation: UInt32
            var item: Int32
        }

        private let slots: UnsafeMutablePointer<Slot>
        private let mask: Int
        private var generation: UInt32 = 1

        /// For up to `capacity` flows; at least half of the slots stay free, so that each search ends.
        init(capacity: Int) {
            var size = 16
            while size < capacity * 2 { size *= 2 }
            mask = size - 1
            slots = .allocate(capacity: size)
            slots.initialize(repeating: Slot(generation: 0, item: 0), count: size)
        }

        deinit {
            slots.deallocate()
        }

        /// The slot of the packet's flow, or the free one where it belongs.
        func find(
            _ candidate: Candidate, items: UnsafeMutablePointer<Item>, packets: UnsafeMutablePointer<Packet>
        ) -> Int {
            var slot = Int(candidate.hash) & mask
            // Safe: the mask keeps the slot in the table, and used slots name items and packets that exist.
            while slots[slot].generation == generation {
                let item = items + Int(slots[slot].item)
                if item.pointee.shape.isIPv6 == candidate.shape.isIPv6,
                    item.pointee.shape.isTCP == candidate.shape.isTCP,
                    candidate.hasSameEnds(as: packets[Int(item.pointee.head)].start)
                {
                    return slot
                }
                slot = (slot &+ 1) & mask
            }
            return slot
        }

        /// The item in a slot that ``find(_:items:packets:)`` gave.
        func item(at slot: Int) -> Int? {
            slots[slot].generation == generation ? Int(slots[slot].item) : nil
        }

        /// Makes `item` the newest of the flow whose slot ``find(_:items:packets:)`` gave.
        mutating func set(_ slot: Int, to item: Int) {
            slots[slot] = Slot(generation: generation, item: Int32(truncatingIfNeeded: item))
        }

        mutating func removeAll() {
            generation &+= 1
            guard generation == 0 else { return }
            slots.update(repeating: Slot(generation: 0, item: 0), count: mask + 1)
            generation = 1
        }
    }
}
