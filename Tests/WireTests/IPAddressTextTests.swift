import Glibc
import Testing
import Wire

@Suite struct IPAddressTextTests {
    @Test(arguments: [
        ("0.0.0.0", "0.0.0.0"), ("10.0.0.1", "10.0.0.1"), ("255.255.255.255", "255.255.255.255"),
        ("::", "::"), ("::1", "::1"), ("1::", "1::"), ("fe80::1", "fe80::1"),
        ("2001:DB8:0:0:0:0:0:1", "2001:db8::1"), ("2001:db8:0:1:0:0:0:1", "2001:db8:0:1::1"),
        ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"), ("1:0:0:2:0:0:0:3", "1:0:0:2::3"),
        ("1:0:0:2:3:0:0:4", "1::2:3:0:0:4"), ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"),
        ("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"), ("0001:0002:0003:0004:0005:0006:0007:0008", "1:2:3:4:5:6:7:8"),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.1"), ("::ffff:c000:201", "::ffff:192.0.2.1"),
        ("64:ff9b::192.0.2.1", "64:ff9b::c000:201"), ("1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"),
    ])
    func readAndPrinted(_ text: String, _ canonical: String) {
        #expect(IPAddress(text)?.description == canonical)
    }

    @Test(arguments: [
        "", " ", ".", "1", "1.2.3", "1.2.3.4.5", "1.2.3.", ".1.2.3", "1..2.3", "256.1.1.1", "01.2.3.4", "1.2.3.00",
        "+1.2.3.4", "-1.2.3.4", "1.2.3.4 ", " 1.2.3.4", "1.2.3.0x4", "1.2.3.4/8", "1000.1.1.1", "١.2.3.4",
        ":", ":::", "1:", ":1", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8",
        "1::2::3", "1:::2", "12345::", "g::", "::+1", "::-1", "fe80::1%eth0", "[::1]", "1:2:3:4:5:6:7:1.2.3.4",
        "::1.2.3", "::1.2.3.4:5", "1.2.3.4::", "::1.2.3.256", "1:2:3:4:5:6:7:8:", "::１",
    ])
    func refused(_ text: String) {
        #expect(IPAddress(text) == nil)
    }

    /// Addresses with many zeros, against the C library.
    @Test func asTheSystemPrints() {
        var random = PacketRandom(state: 40)
        for _ in 0..<5000 {
            var bytes = random.bytes(16)
            let zeros = random.next()
            for group in 0..<8 where zeros >> UInt64(2 * group) & 3 != 0 {
                bytes[2 * group] = 0
                if zeros >> UInt64(20 + group) & 1 == 0 { bytes[2 * group + 1] = 0 }
            }
            let address = bytes.withUnsafeBytes { IPv6Address(loading: $0.baseAddress!) }
            #expect(IPv6Address(Substring(address.description)) == address)
            // The C library alone prints ::a.b.c.d, which RFC 4291 §2.5.5.1 deprecates.
            if address.high == 0, address.low >> 32 == 0 { continue }
            #expect(address.description == printed(bytes, family: AF_INET6))
            let v4 = bytes.withUnsafeBytes { IPv4Address(loading: $0.baseAddress!) }
            #expect(v4.description == printed(Array(bytes[..<4]), family: AF_INET))
            #expect(IPv4Address(Substring(v4.description)) == v4)
        }
    }

    /// Damaged addresses are accepted exactly when the C library does, with the same value.
    @Test func asTheSystemReads() {
        var random = PacketRandom(state: 41)
        let originals = [
            "192.0.2.1", "10.255.0.99", "::", "::1", "2001:db8::1:2", "1:2:3:4:5:6:7:8", "::ffff:192.0.2.1",
            "1:2:3:4:5:6:1.2.3.4", "fe80::abcd:0:0:1", "0:0:0:0:0:0:0:0",
        ].map { Array($0.utf8) }
        let characters = Array("0123456789abcdefABCDEF::::....gG %/-+".utf8)
        var accepted = 0
        for _ in 0..<20_000 {
            var text = originals.randomElement(using: &random)!
            for _ in 0..<Int.random(in: 0...3, using: &random) {
                let position = Int.random(in: 0...text.count, using: &random)
                let character = characters.randomElement(using: &random)!
                switch random.next() % 3 {
                case 0 where position < text.count: text[position] = character
                case 1 where position < text.count: text.remove(at: position)
                default: text.insert(character, at: position)
                }
            }
            let string = String(decoding: text, as: UTF8.self)
            let (v4, v6) = (IPv4Address(Substring(string)), IPv6Address(Substring(string)))
            #expect(v4 == read(string, family: AF_INET).map { IPv4Address(loading: $0) }, "\(string)")
            #expect(v6 == read(string, family: AF_INET6).map { IPv6Address(loading: $0) }, "\(string)")
            if v4 != nil || v6 != nil { accepted += 1 }
        }
        #expect((3000...19_000).contains(accepted))
    }

    @Test func garbageIsRefused() {
        var random = PacketRandom(state: 42)
        for _ in 0..<5000 {
            let text = String(decoding: random.bytes(Int.random(in: 0...60, using: &random)), as: UTF8.self)
            #expect(IPAddress(text) == nil)
            #expect(Prefix(text) == nil)
        }
        #expect(IPAddress(String(repeating: ":", count: 100_000)) == nil)
        #expect(IPAddress(String(repeating: "1:", count: 100_000)) == nil)
    }

    @Test(arguments: [
        ("10.1.2.3/8", "10.0.0.0/8"), ("10.1.2.3/32", "10.1.2.3/32"), ("255.255.255.255/0", "0.0.0.0/0"),
        ("192.168.255.1/17", "192.168.128.0/17"), ("::/0", "::/0"), ("ffff::/1", "8000::/1"),
        ("2001:db8::1/64", "2001:db8::/64"), ("2001:db8::8000:0:0:1/65", "2001:db8:0:0:8000::/65"),
        ("2001:db8:0:1:8000::/63", "2001:db8::/63"), ("::1/128", "::1/128"), ("::3/127", "::2/127"),
    ])
    func prefixes(_ text: String, _ canonical: String) {
        let prefix = Prefix(text)
        #expect(prefix?.description == canonical)
        #expect(prefix == Prefix(canonical))
    }

    @Test(arguments: [
        "", "/", "/8", "10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/8/8",
        "10.0.0.0/ 8", "10.0.0.0/0x8", "10.0.0.0/99999999999999999999", "::/129", "::", "::/1000", "::/٨",
    ])
    func refusedPrefixes(_ text: String) {
        #expect(Prefix(text) == nil)
    }

    @Test func endpoints() {
        func text(_ address: String, scope: UInt32 = 0) -> String? {
            IPAddress(address).map { Endpoint($0, port: 51820, scope: scope).description }
        }
        #expect(text("192.0.2.1") == "192.0.2.1:51820")
        #expect(text("2001:db8::1") == "[2001:db8::1]:51820")
        #expect(text("fe80::1", scope: 2) == "[fe80::1%2]:51820")
    }

    private func printed(_ bytes: [UInt8], family: Int32) -> String {
        var text = [CChar](repeating: 0, count: 64)
        _ = inet_ntop(family, bytes, &text, socklen_t(text.count))
        return text.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    }

    private func read(_ text: String, family: Int32) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: 16)
        return inet_pton(family, text, &bytes) == 1 ? bytes : nil
    }
}
