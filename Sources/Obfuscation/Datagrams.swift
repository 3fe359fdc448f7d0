import Tunnel

/// The datagrams of a run, one after the other.
struct Datagrams: Sequence, IteratorProtocol {
    private var position: UnsafeMutableRawPointer
    private var rest: Int
    private let stride: Int

    init(_ run: DataRun) {
        self.init(run.start, length: run.length, stride: run.stride)
    }

    init(_ run: ReceivedRun) {
        self.init(run.start, length: run.length, stride: run.stride)
    }

    private init(_ start: UnsafeMutableRawPointer, length: Int, stride: Int) {
        position = start
        rest = length
        self.stride = Swift.max(stride, 1)
    }

    @inline(__always)
    mutating func next() -> UnsafeMutableRawBufferPointer? {
        guard rest > 0 else { return nil }
        let count = Swift.min(stride, rest)
        defer {
            position += count
            rest &-= count  // Safe: the count is at most the rest.
        }
        return UnsafeMutableRawBufferPointer(start: position, count: count)
    }
}
