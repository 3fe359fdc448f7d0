package import Wire

/// A longest-prefix-match trie from addresses to peers, for one address family. Protocol §13.
///
/// A path-compressed binary trie whose nodes lie in one array. Keys are left-aligned in 128 bits, so that
/// IPv4 and IPv6 share the code; a node without a value joins two branches.
package struct AllowedIPsTrie<Value: AnyObject>: ~Copyable {
    private var nodes: ContiguousArray<Node> = []
    private var free: [Int32] = []
    private var root: Int32 = -1

    package init() {}

    /// The number of prefixes held.
    package private(set) var count = 0

    /// The number of nodes in use, below twice that of prefixes.
    var nodeCount: Int { nodes.count - free.count }

    /// The value of the longest prefix that holds `key`.
    package func lookup(_ key: Key) -> Value? {
        var best: Int32 = -1
        var index = root
        nodes.withUnsafeBufferPointer { nodes in
            // Safe: every index stored in a node is in range; that is this type's invariant.
            while index >= 0 {
                let node = nodes[Int(index)]
                guard node.key.sharesPrefix(with: key, length: node.length) else { return }
                if node.value != nil { best = index }
                if node.length == 128 { return }
                index = key.bit(at: node.length) ? node.one : node.zero
            }
        }
        return best < 0 ? nil : nodes[Int(best)].value
    }

    /// Gives the prefix to `value`; returns whose it was.
    @discardableResult
    package mutating func insert(_ key: Key, length: Int, _ value: Value) -> Value? {
        var parent: Int32 = -1
        var index = root
        while index >= 0 {
            let node = nodes[Int(index)]
            guard node.length <= length, node.key.sharesPrefix(with: key, length: node.length) else { break }
            if node.length == length {
                if node.value == nil { count += 1 }
                nodes[Int(index)].value = value
                return node.value
            }
            parent = index
            index = key.bit(at: node.length) ? node.one : node.zero
        }
        count += 1
        let leaf = makeNode(Node(key: key, length: length, value: value))
        var top = leaf
        if index >= 0 {
            let other = nodes[Int(index)]
            let common = min(other.key.commonPrefix(with: key), length, other.length)
            if common == length {
                setChild(of: leaf, on: other.key.bit(at: length), to: index)
            } else {
                top = makeNode(Node(key: key.masked(to: common), length: common, value: nil))
                setChild(of: top, on: key.bit(at: common), to: leaf)
                setChild(of: top, on: other.key.bit(at: common), to: index)
            }
        }
        if parent < 0 {
            root = top
        } else {
            setChild(of: parent, on: key.bit(at: nodes[Int(parent)].length), to: top)
        }
        return nil
    }

    /// Removes the prefix if it belongs to `value`; returns whether it did.
    @discardableResult
    package mutating func remove(_ key: Key, length: Int, of value: Value) -> Bool {
        var grandparent: Int32 = -1
        var parent: Int32 = -1
        var index = root
        while index >= 0 {
            let node = nodes[Int(index)]
            guard node.length <= length, node.key.sharesPrefix(with: key, length: node.length) else { return false }
            if node.length == length { break }
            grandparent = parent
            parent = index
            index = key.bit(at: node.length) ? node.one : node.zero
        }
        guard index >= 0, nodes[Int(index)].value === value else { return false }
        count -= 1
        nodes[Int(index)].value = nil
        compress(index, parent: parent)
        // A join that lost one of its two branches is no longer needed.
        if parent >= 0, nodes[Int(parent)].value == nil {
            compress(parent, parent: grandparent)
        }
        return true
    }

    /// Takes a node without a value out when it has fewer than two children.
    private mutating func compress(_ index: Int32, parent: Int32) {
        let node = nodes[Int(index)]
        guard node.zero < 0 || node.one < 0 else { return }
        let child = node.zero >= 0 ? node.zero : node.one
        if parent < 0 {
            root = child
        } else {
            setChild(of: parent, on: node.key.bit(at: nodes[Int(parent)].length), to: child)
        }
        nodes[Int(index)] = Node(key: node.key, length: 0, value: nil)
        free.append(index)
    }

    private mutating func makeNode(_ node: Node) -> Int32 {
        if let index = free.popLast() {
            nodes[Int(index)] = node
            return index
        }
        nodes.append(node)
        return Int32(nodes.count - 1)
    }

    private mutating func setChild(of parent: Int32, on bit: Bool, to child: Int32) {
        if bit {
            nodes[Int(parent)].one = child
        } else {
            nodes[Int(parent)].zero = child
        }
    }

    private struct Node {
        var key: Key
        var length: Int
        var zero: Int32 = -1
        var one: Int32 = -1
        var value: Value?
    }

    /// An address with its first bit on top, IPv4 in the upper 32 bits.
    package struct Key: Equatable, Sendable {
        let high: UInt64
        let low: UInt64

        package init(_ address: IPAddress) {
            switch address {
            case .v4(let v4): (high, low) = (UInt64(v4.value) << 32, 0)
            case .v6(let v6): (high, low) = (v6.high, v6.low)
            }
        }

        init(high: UInt64, low: UInt64) {
            self.high = high
            self.low = low
        }

        /// The bit at `position`, 0 being the first; `position` is below 128.
        func bit(at position: Int) -> Bool {
            let word = position < 64 ? high : low
            return (word << UInt64(position & 63)) >> 63 == 1
        }

        func commonPrefix(with other: Key) -> Int {
            let difference = high ^ other.high
            return difference != 0 ? difference.leadingZeroBitCount : 64 + (low ^ other.low).leadingZeroBitCount
        }

        func sharesPrefix(with other: Key, length: Int) -> Bool {
            commonPrefix(with: other) >= length
        }

        func masked(to length: Int) -> Key {
            Key(
                high: length >= 64 ? high : high & ~(~0 >> UInt64(length)),
                low: length <= 64 ? 0 : (length >= 128 ? low : low & ~(~0 >> UInt64(length - 64))))
        }
    }
}
