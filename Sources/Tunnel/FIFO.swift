/// A queue that is emptied often.
struct FIFO<Element> {
    private var elements: [Element] = []
    private var first = 0

    var isEmpty: Bool { first == elements.count }

    /// Adds an element unless `limit` wait already.
    mutating func append(_ element: Element, limit: Int = .max) {
        guard elements.count - first < limit else { return }
        // What has been taken goes as well when the queue never runs empty.
        if first > 64, first > elements.count / 2 {
            elements.removeFirst(first)
            first = 0
        }
        elements.append(element)
    }

    mutating func popFirst() -> Element? {
        guard first < elements.count else {
            elements.removeAll(keepingCapacity: elements.capacity <= 64)
            first = 0
            return nil
        }
        defer { first += 1 }
        return elements[first]
    }
}
