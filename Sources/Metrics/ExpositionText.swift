/// Writes Prometheus' text format, version 0.0.4: families one after another, each with its samples.
struct ExpositionText {
    private(set) var bytes: [UInt8] = []
    private var name: [UInt8] = []
    private var header: [UInt8] = []

    /// - Parameter capacity: bytes that it will probably have.
    init(capacity: Int) {
        bytes.reserveCapacity(capacity)
    }

    /// The samples that follow are of this family. Without any it isn't mentioned.
    mutating func begin(_ family: MetricFamily) {
        name = Array(family.name.utf8)
        header = Array("# HELP \(family.name) \(family.help)\n# TYPE \(family.name) \(family.kind.rawValue)\n".utf8)
    }

    mutating func sample(_ labels: MetricLabels, _ value: UInt64) {
        beginSample(labels)
        append(value)
        bytes.append(newline)
    }

    /// A sample with all of these labels.
    mutating func sample(_ labels: MetricLabels, _ more: MetricLabels, _ value: UInt64) {
        beginSample(labels, more)
        append(value)
        bytes.append(newline)
    }

    mutating func sample(_ labels: MetricLabels, _ value: Bool) {
        sample(labels, value ? 1 : 0)
    }

    /// Whole seconds, which may lie before 1970.
    mutating func sample(_ labels: MetricLabels, seconds: Int64) {
        beginSample(labels)
        if seconds < 0 { bytes.append(UInt8(ascii: "-")) }
        append(seconds.magnitude)
        bytes.append(newline)
    }

    mutating func sample(_ labels: MetricLabels, microseconds: UInt64) {
        beginSample(labels)
        let (seconds, rest) = microseconds.quotientAndRemainder(dividingBy: 1_000_000)
        append(seconds)
        bytes.append(UInt8(ascii: "."))
        // With a one in front it has all of its zeros.
        let start = bytes.count
        append(rest + 1_000_000)
        bytes.remove(at: start)
        bytes.append(newline)
    }

    private mutating func beginSample(_ labels: MetricLabels, _ more: MetricLabels? = nil) {
        bytes += header
        header.removeAll(keepingCapacity: true)
        bytes += name
        bytes += labels.bytes
        if let more {
            bytes.append(UInt8(ascii: ","))
            bytes += more.bytes.dropFirst()
        }
        bytes.append(UInt8(ascii: "}"))
        bytes.append(UInt8(ascii: " "))
    }

    private mutating func append(_ value: UInt64) {
        let start = bytes.count
        var rest = value
        repeat {
            bytes.append(UInt8(ascii: "0") + UInt8(rest % 10))
            rest /= 10
        } while rest > 0
        bytes[start...].reverse()
    }
}

/// What a sample is about: `{interface="wg0"`, without the closing brace, to be used for many samples.
struct MetricLabels: Equatable {
    private(set) var bytes: [UInt8] = []

    /// The same and one more. The name is one that the format allows.
    func adding(_ name: String, _ value: String) -> Self {
        var labels = self
        labels.add(name, value)
        return labels
    }

    /// An empty value is the same as no label, and isn't written.
    mutating func add(_ name: String, _ value: String) {
        guard !value.isEmpty else { return }
        bytes.append(UInt8(ascii: bytes.isEmpty ? "{" : ","))
        bytes += name.utf8
        bytes.append(UInt8(ascii: "="))
        bytes.append(quote)
        if !value.utf8.contains(where: { $0 == quote || $0 == backslash || $0 == newline }) {
            bytes += value.utf8
            bytes.append(quote)
            return
        }
        for byte in value.utf8 {
            switch byte {
            case quote, backslash:
                bytes.append(backslash)
                bytes.append(byte)
            case newline:
                bytes.append(backslash)
                bytes.append(UInt8(ascii: "n"))
            default:
                bytes.append(byte)
            }
        }
        bytes.append(quote)
    }
}

private let newline = UInt8(ascii: "\n")
private let quote = UInt8(ascii: "\"")
private let backslash = UInt8(ascii: "\\")
