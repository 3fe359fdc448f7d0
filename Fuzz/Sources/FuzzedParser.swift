/// Something that reads hostile bytes, with what is known about its results.
protocol FuzzedParser: AnyObject {
    /// Percent of all runs.
    var share: Int { get }
    /// Bytes.
    var longestInput: Int { get }
    /// Inputs to begin with, which get far into the parser.
    var samples: [[UInt8]] { get }

    /// Reads one input. It ends the program when the result is wrong.
    func run(_ input: inout Input)
}

/// Ends the program, which libFuzzer reports with the input that led to it, unless `condition` holds.
func require(_ condition: Bool, _ claim: @autoclosure () -> String) {
    if !condition { fatalError("This doesn't hold: \(claim())") }
}

/// An input, taken from its front. What is missing at its end reads as zeros.
struct Input {
    private var rest: UnsafeRawBufferPointer

    init(_ bytes: UnsafeRawBufferPointer) {
        rest = bytes
    }

    var isEmpty: Bool { rest.isEmpty }

    mutating func byte() -> UInt8 {
        guard let first = rest.first else { return 0 }
        rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst())
        return first
    }

    /// In little-endian order.
    mutating func number<Number: FixedWidthInteger>(_: Number.Type) -> Number {
        var result: Number = 0
        for position in 0..<MemoryLayout<Number>.size {
            result |= Number(truncatingIfNeeded: byte()) << Number(position * 8)
        }
        return result
    }

    /// The next `count` bytes, or as many as there are.
    mutating func bytes(_ count: Int) -> UnsafeRawBufferPointer {
        let taken = UnsafeRawBufferPointer(rebasing: rest.prefix(count))
        rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
        return taken
    }

    mutating func all() -> UnsafeRawBufferPointer {
        bytes(rest.count)
    }
}

/// Memory of exactly so many bytes, so that the address sanitizer notices every access behind them or before them.
final class ExactBuffer {
    let bytes: UnsafeMutableRawBufferPointer

    /// Zeros.
    init(count: Int) {
        bytes = .allocate(byteCount: count, alignment: 1)
        bytes.initializeMemory(as: UInt8.self, repeating: 0)
    }

    convenience init(_ contents: some Collection<UInt8>) {
        self.init(count: contents.count)
        bytes.copyBytes(from: contents)
    }

    deinit {
        bytes.deallocate()
    }

    // Safe: an allocation has an address.
    var start: UnsafeMutableRawPointer { bytes.baseAddress.unsafelyUnwrapped }
    var readable: UnsafeRawBufferPointer { UnsafeRawBufferPointer(bytes) }
}

/// A number as the bytes that ``Input/number(_:)`` reads.
func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian) { Array($0) }
}

/// A number as packets hold it.
func bigEndian(_ value: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: value.bigEndian) { Array($0) }
}
