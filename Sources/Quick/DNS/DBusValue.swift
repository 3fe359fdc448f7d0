/// A value on the message bus, of the types that are needed here (D-Bus Specification, "Type System").
enum DBusValue: Hashable, Sendable {
    case byte(UInt8)
    case boolean(Bool)
    case int32(Int32)
    case uint32(UInt32)
    case string(String)
    case objectPath(String)
    case signature(String)
    /// With the signature of its elements, which an empty one couldn't tell.
    case array(of: String, [DBusValue])
    case structure([DBusValue])
    indirect case variant(DBusValue)

    var signature: String {
        switch self {
        case .byte: "y"
        case .boolean: "b"
        case .int32: "i"
        case .uint32: "u"
        case .string: "s"
        case .objectPath: "o"
        case .signature: "g"
        case .array(let element, _): "a\(element)"
        case .structure(let fields): "(\(fields.map(\.signature).joined()))"
        case .variant: "v"
        }
    }

    /// The text of a string or an object path.
    var text: String? {
        switch self {
        case .string(let text), .objectPath(let text): text
        default: nil
        }
    }

    /// The elements of an array, or the fields of a structure.
    var elements: [DBusValue]? {
        switch self {
        case .array(_, let elements), .structure(let elements): elements
        default: nil
        }
    }
}

/// Appends values in their wire form, little-endian (D-Bus Specification, "Marshaling").
struct DBusWriter {
    private(set) var bytes: [UInt8] = []

    mutating func append(_ value: DBusValue) {
        align(Self.alignment(of: value.signature.utf8.first))
        switch value {
        case .byte(let byte): bytes.append(byte)
        case .boolean(let flag): append(UInt32(flag ? 1 : 0))
        case .int32(let number): append(UInt32(bitPattern: number))
        case .uint32(let number): append(number)
        case .string(let text), .objectPath(let text):
            append(UInt32(truncatingIfNeeded: text.utf8.count))
            bytes += Array(text.utf8) + [0]
        case .signature(let text):
            bytes += [UInt8(truncatingIfNeeded: text.utf8.count)] + Array(text.utf8) + [0]
        case .array(let element, let elements):
            append(UInt32(0))
            let length = bytes.count - 4
            align(Self.alignment(of: element.utf8.first))
            let start = bytes.count
            for element in elements { append(element) }
            let count = UInt32(truncatingIfNeeded: bytes.count - start)
            for index in 0..<4 { bytes[length + index] = UInt8(truncatingIfNeeded: count >> UInt32(8 * index)) }
        case .structure(let fields):
            for field in fields { append(field) }
        case .variant(let content):
            append(.signature(content.signature))
            append(content)
        }
    }

    mutating func align(_ boundary: Int) {
        while bytes.count % boundary != 0 { bytes.append(0) }
    }

    /// In bytes, of a value whose signature begins so.
    static func alignment(of type: UInt8?) -> Int {
        switch type {
        case UInt8(ascii: "y"), UInt8(ascii: "g"), UInt8(ascii: "v"): 1
        case UInt8(ascii: "("): 8
        default: 4
        }
    }

    private mutating func append(_ number: UInt32) {
        for shift in [0, 8, 16, 24] as [UInt32] { bytes.append(UInt8(truncatingIfNeeded: number >> shift)) }
    }
}

/// Reads values from their wire form. Whoever sends them may be hostile: everything is checked, and depth is bounded.
struct DBusReader {
    struct Malformed: Error {}

    /// Arrays, structures and variants within each other.
    static let deepest = 16

    private let bytes: ArraySlice<UInt8>
    private let start: Int
    private var position: Int
    private let isBigEndian: Bool

    /// - Parameter bytes: their first one is where alignment counts from.
    init(_ bytes: ArraySlice<UInt8>, isBigEndian: Bool) {
        self.bytes = bytes
        start = bytes.startIndex
        position = bytes.startIndex
        self.isBigEndian = isBigEndian
    }

    var isAtEnd: Bool { position == bytes.endIndex }

    /// One value for each complete type of `signature`.
    mutating func values(_ signature: some Collection<UInt8>) throws(Malformed) -> [DBusValue] {
        var rest = Array(signature)[...]
        var values: [DBusValue] = []
        while !rest.isEmpty { values.append(try value(&rest, depth: 0)) }
        return values
    }

    mutating func uint32() throws(Malformed) -> UInt32 {
        try align(4)
        let four = try take(4)
        let number = four.reduce(0) { $0 << 8 | UInt32($1) }
        return isBigEndian ? number : number.byteSwapped
    }

    mutating func align(_ boundary: Int) throws(Malformed) {
        let odd = (position - start) % boundary
        if odd != 0 { _ = try take(boundary - odd) }
    }

    /// Takes the first complete type off `signature` and reads a value of it.
    private mutating func value(_ signature: inout ArraySlice<UInt8>, depth: Int) throws(Malformed) -> DBusValue {
        guard depth < Self.deepest, let type = signature.popFirst() else { throw Malformed() }
        switch type {
        case UInt8(ascii: "y"): return .byte(try take(1).first ?? 0)
        case UInt8(ascii: "b"):
            let number = try uint32()
            guard number <= 1 else { throw Malformed() }
            return .boolean(number == 1)
        case UInt8(ascii: "i"): return .int32(Int32(bitPattern: try uint32()))
        case UInt8(ascii: "u"): return .uint32(try uint32())
        case UInt8(ascii: "s"): return .string(try text(try uint32()))
        case UInt8(ascii: "o"): return .objectPath(try text(try uint32()))
        case UInt8(ascii: "g"): return .signature(try signatureText())
        case UInt8(ascii: "v"):
            var content = Array(try signatureText().utf8)[...]
            let value = try value(&content, depth: depth + 1)
            guard content.isEmpty else { throw Malformed() }
            return .variant(value)
        case UInt8(ascii: "a"): return try array(&signature, depth: depth)
        case UInt8(ascii: "("):
            try align(8)
            var fields: [DBusValue] = []
            while signature.first != UInt8(ascii: ")") { fields.append(try value(&signature, depth: depth + 1)) }
            // An empty structure would take no bytes, and an array could then hold any number of them.
            guard !fields.isEmpty else { throw Malformed() }
            signature = signature.dropFirst()
            return .structure(fields)
        default: throw Malformed()
        }
    }

    private mutating func array(_ signature: inout ArraySlice<UInt8>, depth: Int) throws(Malformed) -> DBusValue {
        let element = signature.prefix(try Self.completeType(signature, depth: depth + 1))
        signature = signature.dropFirst(element.count)
        let count = Int(try uint32())
        try align(DBusWriter.alignment(of: element.first))
        guard count <= bytes.endIndex - position else { throw Malformed() }
        let end = position + count
        var elements: [DBusValue] = []
        while position < end {
            var type = element
            elements.append(try value(&type, depth: depth + 1))
        }
        guard position == end else { throw Malformed() }
        return .array(of: String(decoding: element, as: UTF8.self), elements)
    }

    /// How long the first complete type of a signature is.
    private static func completeType(_ signature: ArraySlice<UInt8>, depth: Int) throws(Malformed) -> Int {
        guard depth < deepest, let type = signature.first else { throw Malformed() }
        switch type {
        case UInt8(ascii: "a"): return 1 + (try completeType(signature.dropFirst(), depth: depth + 1))
        case UInt8(ascii: "("):
            var length = 1
            while signature.dropFirst(length).first != UInt8(ascii: ")") {
                length += try completeType(signature.dropFirst(length), depth: depth + 1)
            }
            guard length > 1 else { throw Malformed() }
            return length + 1
        default: return 1
        }
    }

    /// A text of so many bytes and the zero behind it.
    private mutating func text(_ count: UInt32) throws(Malformed) -> String {
        let content = try take(Int(count))
        guard try take(1).first == 0, !content.contains(0) else { throw Malformed() }
        return String(decoding: content, as: UTF8.self)
    }

    private mutating func signatureText() throws(Malformed) -> String {
        let text = try text(UInt32(try take(1).first ?? 0))
        guard text.utf8.allSatisfy({ $0 < 0x80 }) else { throw Malformed() }
        return text
    }

    private mutating func take(_ count: Int) throws(Malformed) -> ArraySlice<UInt8> {
        guard count <= bytes.endIndex - position else { throw Malformed() }
        defer { position += count }
        return bytes[position..<(position + count)]
    }
}
