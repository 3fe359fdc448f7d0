/// What the lines of an answer tell, taken one after the other.
package protocol UAPIAnswer {
    associatedtype Content

    init(scopes: UAPIScopes, limits: UAPILimits)

    /// Takes the line `name=value`; never that with `errno`.
    mutating func read(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) throws(UAPIFailure)

    /// What all lines together tell.
    mutating func content() -> Content
}

/// Reads an answer of the configuration socket, whoever gives it. UAPI Part 1.
///
/// It does no I/O: bytes go in as they arrive, in pieces of any size.
package struct UAPIAnswerReader<Answer: UAPIAnswer>: ~Copyable {
    private var lines: UAPILineBuffer
    private var answer: Answer
    private var errno: Int32?

    package init(scopes: UAPIScopes, limits: UAPILimits = UAPILimits()) {
        lines = UAPILineBuffer(limit: limits.lineLength)
        answer = Answer(scopes: scopes, limits: limits)
    }

    /// Takes more of the answer. Returns what it tells when it is complete, which it is once; nil when there is more to come.
    ///
    /// - Throws: ``UAPIFailure``: `EPROTO` when this isn't such an answer, `E2BIG` when it is longer than the limits, or the errno
    ///   that it tells.
    package mutating func read(_ input: UnsafeRawBufferPointer) throws(UAPIFailure) -> Answer.Content? {
        var rest = input
        while !rest.isEmpty {
            switch lines.take(&rest) {
            case .unfinished: return nil
            case .tooLong: throw .malformed
            case .finished(let line):
                let result = Result { () throws(UAPIFailure) in try read(line: line) }
                lines.release()
                if try result.get() { return answer.content() }
            }
        }
        return nil
    }

    /// True when it was the last line.
    private mutating func read(line: UnsafeRawBufferPointer) throws(UAPIFailure) -> Bool {
        if line.isEmpty {
            guard let errno else { throw .malformed }
            guard errno == 0 else { throw UAPIFailure(errno: errno) }
            return true
        }
        guard errno == nil, let equals = line.firstIndex(ofByte: UInt8(ascii: "=")) else { throw .malformed }
        let name = UnsafeRawBufferPointer(rebasing: line[..<equals])
        let value = UnsafeRawBufferPointer(rebasing: line[(equals + 1)...])
        if name.equals(UAPIKey.errno.name) {
            errno = try Self.errno(value)
        } else {
            try answer.read(name, value)
        }
        return false
    }

    /// A number with or without a sign; implementations differ.
    private static func errno(_ text: UnsafeRawBufferPointer) throws(UAPIFailure) -> Int32 {
        let digits = text.first == UInt8(ascii: "-") ? UnsafeRawBufferPointer(rebasing: text[1...]) : text
        return Int32(try wellFormed(UAPIValue.number(digits, atMost: UInt64(Int32.max))))
    }
}

/// - Throws: ``UAPIFailure/malformed`` when there is no value.
func wellFormed<Value>(_ value: Value?) throws(UAPIFailure) -> Value {
    guard let value else { throw .malformed }
    return value
}
