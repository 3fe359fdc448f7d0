/// Longest-prefix match from the addresses of one family to peers. Protocol §13.
///
/// There is a hash table for each prefix length in use, and a lookup asks them from the longest prefix to the
/// shortest. So what it costs depends on how many lengths there are, not on how many prefixes. An address is a number
/// of 32 or 128 bits, the first bit on top.
struct AllowedIPsTable<Key: FixedWidthInteger & UnsignedInteger, Value: AnyObject>: ~Copyable {
    /// The longest prefixes first; none is empty.
    private var tables: ContiguousArray<LengthTable<Key, Value>> = []
    private let seed: AllowedIPsSeed

    init(seed: AllowedIPsSeed = .random()) {
        self.seed = seed
    }

    deinit {
        for table in tables { table.destroy() }
    }

    /// The number of prefixes held.
    var count: Int { tables.reduce(0) { $0 + $1.count } }

    /// The number of prefixes that there is memory for.
    var capacity: Int { tables.reduce(0) { $0 + $1.capacity } }

    /// The value of the longest prefix that holds `address`.
    func lookup(_ address: Key) -> Value? {
        tables.withUnsafeBufferPointer { tables in
            for table in tables {
                // Safe: the table keeps the value alive until it is retained for the caller.
                if let owner = table.owner(of: address) { return owner.takeUnretainedValue() }
            }
            return nil
        }
    }

    /// Gives the prefix to `value`; returns whose it was.
    @discardableResult
    mutating func insert(_ address: Key, length: Int, _ value: Value) -> Value? {
        let index = tables.firstIndex { $0.length <= length } ?? tables.endIndex
        if index == tables.endIndex || tables[index].length != length {
            tables.insert(LengthTable(length: length, seed: seed), at: index)
        }
        return tables[index].insert(address, value)
    }

    /// Removes the prefix if it belongs to `value`; returns whether it did.
    @discardableResult
    mutating func remove(_ address: Key, length: Int, of value: Value) -> Bool {
        guard let index = tables.firstIndex(where: { $0.length == length }), tables[index].remove(address, of: value)
        else { return false }
        if tables[index].count == 0 { tables.remove(at: index).destroy() }
        return true
    }
}

/// The prefixes of one length: open addressing, linear probing, at most five eighths full.
///
/// Most lookups that come here are in vain, and one byte per slot tells nearly all of those without a look at the
/// slots. The memory is described by plain pointers, so that a copy of this description costs no reference counting;
/// the one in ``AllowedIPsTable`` owns it.
private struct LengthTable<Key: FixedWidthInteger & UnsignedInteger, Value: AnyObject> {
    let length: Int
    private(set) var count = 0
    /// A power of two.
    let capacity: Int
    private let mask: Key
    private let seed: AllowedIPsSeed
    /// What leaves of a hash the number of a bit in `presence`.
    private let shift: UInt64
    // Safe: an index into the two is masked or shifted to below the capacity, and that many are initialized.
    /// Eight bits for each slot: one is set if and only if a key's hash names it.
    private let presence: UnsafeMutablePointer<UInt8>
    private let slots: UnsafeMutablePointer<Slot>

    private static var leastCapacity: Int { 4 }

    private struct Slot {
        var key: Key
        /// Nil in an empty slot. A full one holds one reference count, which it gives up when it is emptied.
        var owner: Unmanaged<Value>?
    }

    /// Where a search for a key begins, and its bit in the byte of `presence` for that slot.
    private struct Place {
        let index: Int
        let bit: UInt8
    }

    init(length: Int, seed: AllowedIPsSeed) {
        self.init(length: length, seed: seed, capacity: Self.leastCapacity)
    }

    private init(length: Int, seed: AllowedIPsSeed, capacity: Int) {
        self.length = length
        self.seed = seed
        self.capacity = capacity
        mask = ~0 << (Key.bitWidth - length)
        shift = UInt64((8 * capacity).leadingZeroBitCount + 1)
        presence = .allocate(capacity: capacity)
        presence.initialize(repeating: 0, count: capacity)
        slots = .allocate(capacity: capacity)
        slots.initialize(repeating: Slot(key: 0, owner: nil), count: capacity)
    }

    /// Gives up the values and the memory. No copy of this description may be used any more.
    func destroy() {
        for index in 0..<capacity { slots[index].owner?.release() }
        deallocate()
    }

    /// Whose the prefix of `address` is, not retained.
    func owner(of address: Key) -> Unmanaged<Value>? {
        let key = address & mask
        let place = place(of: key)
        guard presence[place.index] & place.bit != 0 else { return nil }
        return slots[search(for: key, from: place)].owner
    }

    mutating func insert(_ address: Key, _ value: Value) -> Value? {
        let key = address & mask
        let index = search(for: key, from: place(of: key))
        if let former = slots[index].owner {
            // Safe: the slot's reference count goes to the caller, and the new owner's takes its place.
            slots[index].owner = .passRetained(value)
            return former.takeRetainedValue()
        }
        count += 1
        if 8 * count > 5 * capacity { resize(to: 2 * capacity) }
        fill(Slot(key: key, owner: .passRetained(value)))
        return nil
    }

    mutating func remove(_ address: Key, of value: Value) -> Bool {
        let key = address & mask
        let place = place(of: key)
        let index = search(for: key, from: place)
        guard let owner = slots[index].owner, owner.toOpaque() == Unmanaged.passUnretained(value).toOpaque() else {
            return false
        }
        empty(index)
        updatePresence(at: place.index)
        // Safe: no slot names this reference count any more.
        owner.release()
        count -= 1
        if 8 * count < capacity, capacity > Self.leastCapacity { resize(to: capacity / 2) }
        return true
    }

    /// Where `key` is, or the empty slot that a search for it ends at; there always is one.
    private func search(for key: Key, from place: Place) -> Int {
        var index = place.index
        while slots[index].owner != nil, slots[index].key != key { index = following(index) }
        return index
    }

    private func place(of key: Key) -> Place {
        let bit = Int(truncatingIfNeeded: seed.hash(key) &>> shift)
        return Place(index: bit >> 3, bit: 1 << UInt8(truncatingIfNeeded: bit & 7))
    }

    // Safe: neither wraps, for an index is below the capacity, which is above zero.
    private func following(_ index: Int) -> Int { (index &+ 1) & (capacity &- 1) }

    /// Takes in a key that isn't there.
    private func fill(_ slot: Slot) {
        let place = place(of: slot.key)
        presence[place.index] |= place.bit
        slots[search(for: slot.key, from: place)] = slot
    }

    /// Empties a slot. What comes after the hole moves into it unless that would put it before its place, so that no
    /// search meets an empty slot too early.
    private func empty(_ index: Int) {
        var hole = index
        var next = following(hole)
        while slots[next].owner != nil {
            let displacement = (next - place(of: slots[next].key).index) & (capacity - 1)
            if displacement >= (next - hole) & (capacity - 1) {
                slots[hole] = slots[next]
                hole = next
            }
            next = following(next)
        }
        slots[hole].owner = nil
    }

    /// Works out one slot's bits anew. The keys whose place it is lie between it and the next empty slot.
    private func updatePresence(at index: Int) {
        presence[index] = 0
        var next = index
        while slots[next].owner != nil {
            let place = place(of: slots[next].key)
            if place.index == index { presence[index] |= place.bit }
            next = following(next)
        }
    }

    private mutating func resize(to newCapacity: Int) {
        var resized = Self(length: length, seed: seed, capacity: newCapacity)
        resized.count = count
        for index in 0..<capacity where slots[index].owner != nil { resized.fill(slots[index]) }
        // Safe: the new slots have taken over the reference counts.
        deallocate()
        self = resized
    }

    private func deallocate() {
        presence.deallocate()
        slots.deinitialize(count: capacity)
        slots.deallocate()
    }
}

/// What makes the order in the hash tables unknown to those who choose addresses. No answer depends on it, so it
/// needn't come from the device's source of randomness.
struct AllowedIPsSeed {
    let high: UInt64
    let low: UInt64

    static func random() -> AllowedIPsSeed {
        AllowedIPsSeed(high: .random(in: .min ... .max), low: .random(in: .min ... .max))
    }

    /// A number whose upper bits depend on all bits of `key`: the halves of a product folded into one, and multiplied
    /// again.
    func hash(_ key: some FixedWidthInteger & UnsignedInteger) -> UInt64 {
        // Safe: the arithmetic is meant to wrap.
        let upper = UInt64(truncatingIfNeeded: key >> 64)
        let product = (UInt64(truncatingIfNeeded: key) ^ low).multipliedFullWidth(by: upper ^ high)
        return (product.high ^ product.low) &* 0x9e37_79b9_7f4a_7c15
    }
}
