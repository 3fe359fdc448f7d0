import Testing
import Wire

@Suite("Questions for names") struct NameMessageTests {
    /// 192.0.2.7 and the name that it is asked by.
    private let record: [UInt8] = [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 7]

    private func question(_ type: NameMessage.RecordType = .a) throws -> [UInt8] {
        try #require(NameMessage.question("a.Bc", type, number: 0x1234))
    }

    private func answer(code: UInt8 = 0, count: UInt8 = 1, _ records: [UInt8]) throws -> [UInt8] {
        var bytes = try question()
        bytes[2] = 0x81
        bytes[3] = 0x80 | code
        bytes[7] = count
        return bytes + records
    }

    @Test func theWireForm() throws {
        let expected: [UInt8] = [
            0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0x61, 2, 0x42, 0x63, 0, 0, 1, 0, 1,
        ]
        #expect(try question() == expected)
        #expect(NameMessage.question("a.Bc.", .a, number: 0x1234) == expected)
        #expect(try question(.aaaa).suffix(4) == [0, 28, 0, 1])
    }

    @Test(arguments: [
        "", ".", "a..b", ".a", "a b", "a\u{0}b", "b\u{FC}cher", String(repeating: "a", count: 64), "a/b",
        Array(repeating: "abcdefghi", count: 26).joined(separator: "."),
    ])
    func noNames(_ name: String) {
        #expect(NameMessage.question(name, .a, number: 1) == nil)
    }

    @Test func longestNames() {
        #expect(NameMessage.question(String(repeating: "a", count: 63), .a, number: 1) != nil)
        let name = Array(repeating: String(repeating: "a", count: 62), count: 4).joined(separator: ".") + ".a"
        #expect(name.utf8.count == 253)
        #expect(NameMessage.question(name, .a, number: 1) != nil)
        #expect(NameMessage.question(name + "a", .a, number: 1) == nil)
    }

    @Test func anAnswer() throws {
        let addresses = [IPAddress.v4(IPv4Address(0xc000_0207))]
        #expect(NameMessage.addresses(in: try answer(record), to: try question()) == addresses)
        // Behind an alias, and beside a record of another type.
        let alias: [UInt8] = [0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 60, 0, 4, 1, 0x78, 0xc0, 12]
        let named: [UInt8] = [1, 0x78, 0xc0, 12] + record.dropFirst(2)
        let other: [UInt8] = [0, 0, 28, 0, 1, 0, 0, 0, 60, 0, 4, 1, 2, 3, 4]
        let long = try answer(count: 3, alias + other + named)
        #expect(NameMessage.addresses(in: long, to: try question()) == addresses)
        var cased = try answer(record)
        cased[13] = 0x41
        cased[15] = 0x62
        #expect(NameMessage.addresses(in: cased, to: try question()) == addresses, "letters may be of either case")
    }

    @Test func whatTheServerCannotTell() throws {
        #expect(NameMessage.addresses(in: try answer(code: 3, count: 0, []), to: try question()) == [])
        #expect(NameMessage.addresses(in: try answer(count: 0, []), to: try question()) == [])
        for code in [1, 2, 4, 5] as [UInt8] {
            #expect(NameMessage.addresses(in: try answer(code: code, record), to: try question()) == nil)
        }
    }

    @Test func whatIsNoAnswer() throws {
        let good = try answer(record)
        for (index, value) in [(0, 0), (1, 0), (2, 1), (2, 0x89), (5, 2), (5, 0), (13, 0x62), (19, 28), (21, 3)] {
            var bytes = good
            bytes[index] = UInt8(value)
            #expect(NameMessage.addresses(in: bytes, to: try question()) == nil, "\(index)")
        }
        #expect(NameMessage.addresses(in: try question(), to: try question()) == nil, "a question is none")
    }

    @Test func truncatedAndFlipped() throws {
        let good = try answer(count: 9, record + record)
        for count in 0..<good.count {
            let found = NameMessage.addresses(in: Array(good[..<count]), to: try question())
            #expect((found ?? []).count <= 1)
        }
        for index in good.indices {
            for bit in 0..<8 {
                var bytes = good
                bytes[index] ^= 1 << UInt8(bit)
                _ = NameMessage.addresses(in: bytes, to: try question())
            }
        }
        // A count that says more than there is, and lengths that lead out of the message.
        #expect(NameMessage.addresses(in: try answer(count: 255, record), to: try question())?.count == 1)
        var lying = try answer(record)
        lying[lying.count - 5] = 255
        #expect(NameMessage.addresses(in: lying, to: try question()) == [])
    }
}
