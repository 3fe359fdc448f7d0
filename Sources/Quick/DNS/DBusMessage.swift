/// A message of the bus (D-Bus Specification, "Message Format").
struct DBusMessage: Equatable, Sendable {
    enum Kind: UInt8, Sendable {
        case methodCall = 1
        case methodReturn = 2
        case error = 3
        case signal = 4
    }

    var kind: Kind
    /// Never 0.
    var serial: UInt32
    /// The call that this answers.
    var replySerial: UInt32?
    var path: String?
    var interface: String?
    var member: String?
    var errorName: String?
    var destination: String?
    var sender: String?
    /// The types of the body's values.
    var signature = ""
    /// The wire form of the body's values.
    var body: ArraySlice<UInt8> = []
    var isBigEndian = false

    /// Bytes of a message that are read at most; the answers here have some hundred.
    static let longest = 64 << 10
    /// How many bytes tell the length of a message.
    static let preamble = 16

    init(_ kind: Kind, serial: UInt32) {
        self.kind = kind
        self.serial = serial
    }

    /// A call of a method that an object has.
    init(
        call member: String, of interface: String, at path: String, on destination: String, serial: UInt32,
        _ values: [DBusValue]
    ) {
        self.init(.methodCall, serial: serial)
        self.path = path
        self.interface = interface
        self.member = member
        self.destination = destination
        setBody(values)
    }

    mutating func setBody(_ values: [DBusValue]) {
        signature = values.map(\.signature).joined()
        var writer = DBusWriter()
        for value in values { writer.append(value) }
        body = writer.bytes[...]
        isBigEndian = false
    }

    /// The body's values. Throws when it holds types that aren't known here.
    func values() throws(DBusReader.Malformed) -> [DBusValue] {
        var reader = DBusReader(body, isBigEndian: isBigEndian)
        let values = try reader.values(signature.utf8)
        guard reader.isAtEnd else { throw DBusReader.Malformed() }
        return values
    }

    /// The wire form, little-endian. The body must be so as well.
    var encoded: [UInt8] {
        var fields: [DBusValue] = []
        func add(_ code: Field, _ value: DBusValue?) {
            if let value { fields.append(.structure([.byte(code.rawValue), .variant(value)])) }
        }
        add(.path, path.map { .objectPath($0) })
        add(.interface, interface.map { .string($0) })
        add(.member, member.map { .string($0) })
        add(.errorName, errorName.map { .string($0) })
        add(.replySerial, replySerial.map { .uint32($0) })
        add(.destination, destination.map { .string($0) })
        add(.sender, sender.map { .string($0) })
        add(.signature, signature.isEmpty ? nil : .signature(signature))
        var writer = DBusWriter()
        for byte in [UInt8(ascii: "l"), kind.rawValue, 0, Self.version] { writer.append(.byte(byte)) }
        writer.append(.uint32(UInt32(truncatingIfNeeded: body.count)))
        writer.append(.uint32(serial))
        writer.append(.array(of: "(yv)", fields))
        writer.align(8)
        return writer.bytes + body
    }

    private enum Field: UInt8 {
        case path = 1
        case interface, member, errorName, replySerial, destination, sender, signature
    }

    private static let version: UInt8 = 1
}

// MARK: - Reading

extension DBusMessage {
    /// The length of the message that begins with these ``preamble`` bytes, at most ``longest``.
    static func length(_ preamble: ArraySlice<UInt8>) throws(DBusReader.Malformed) -> Int {
        let (reader, _) = try head(preamble)
        var rest = reader
        let body = Int(try rest.uint32())
        _ = try rest.uint32()
        let fields = Int(try rest.uint32())
        // Safe: each is below 2^32.
        let length = (Self.preamble + fields + 7) / 8 * 8 + body
        guard length <= longest else { throw DBusReader.Malformed() }
        return length
    }

    /// Reads a whole message. Header fields of types that aren't known make it malformed, as the specification has none.
    init(decoding bytes: ArraySlice<UInt8>) throws(DBusReader.Malformed) {
        var (reader, kind) = try Self.head(bytes)
        isBigEndian = bytes.first == UInt8(ascii: "B")
        let bodyLength = Int(try reader.uint32())
        serial = try reader.uint32()
        let fields = try reader.values("a(yv)".utf8)
        guard let kind = Kind(rawValue: kind), serial != 0, bodyLength <= bytes.count else {
            throw DBusReader.Malformed()
        }
        self.kind = kind
        for field in fields.first?.elements ?? [] {
            guard let pair = field.elements, case .byte(let code) = pair[0], case .variant(let value) = pair[1] else {
                throw DBusReader.Malformed()
            }
            take(code, value)
        }
        try reader.align(8)
        body = bytes.suffix(bodyLength)
        guard try Self.length(bytes.prefix(Self.preamble)) == bytes.count else { throw DBusReader.Malformed() }
    }

    private mutating func take(_ code: UInt8, _ value: DBusValue) {
        switch (Field(rawValue: code), value) {
        case (.path, .objectPath(let text)): path = text
        case (.interface, .string(let text)): interface = text
        case (.member, .string(let text)): member = text
        case (.errorName, .string(let text)): errorName = text
        case (.replySerial, .uint32(let number)): replySerial = number
        case (.destination, .string(let text)): destination = text
        case (.sender, .string(let text)): sender = text
        case (.signature, .signature(let text)): signature = text
        default: break
        }
    }

    /// A reader behind the first four bytes, and the number of the message's kind.
    private static func head(_ bytes: ArraySlice<UInt8>) throws(DBusReader.Malformed) -> (DBusReader, UInt8) {
        let four = Array(bytes.prefix(4))
        guard four.count == 4, [UInt8(ascii: "l"), UInt8(ascii: "B")].contains(four[0]), four[3] == version else {
            throw DBusReader.Malformed()
        }
        var reader = DBusReader(bytes, isBigEndian: four[0] == UInt8(ascii: "B"))
        _ = try reader.values("yyyy".utf8)
        return (reader, four[1])
    }
}
