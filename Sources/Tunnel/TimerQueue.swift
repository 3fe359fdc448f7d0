/// Deadlines of peers, the earliest first: a binary heap. An entry whose peer is scheduled for another time is void.
struct TimerQueue {
    struct Entry {
        let deadline: Instant
        let peer: Peer
    }

    private var heap: [Entry] = []

    var first: Entry? { heap.first }
    var count: Int { heap.count }

    /// Takes out all entries but those that `isValid` holds for.
    mutating func keep(_ isValid: (Entry) -> Bool) {
        // Sorted elements are a heap.
        heap = heap.filter(isValid).sorted { $0.deadline < $1.deadline }
    }

    mutating func insert(_ entry: Entry) {
        heap.append(entry)
        var index = heap.count - 1
        while index > 0, heap[index].deadline < heap[(index - 1) / 2].deadline {
            heap.swapAt(index, (index - 1) / 2)
            index = (index - 1) / 2
        }
    }

    mutating func removeFirst() {
        heap.swapAt(0, heap.count - 1)
        heap.removeLast()
        var index = 0
        while true {
            var smallest = index
            for child in [2 * index + 1, 2 * index + 2] where child < heap.count {
                if heap[child].deadline < heap[smallest].deadline { smallest = child }
            }
            if smallest == index { return }
            heap.swapAt(index, smallest)
            index = smallest
        }
    }
}
