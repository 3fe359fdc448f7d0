import Glibc
import Wire

/// Addresses, prefixes and keys as text: what can be read is printed and read again, and the C library agrees.
///
/// An input is a byte that chooses what to read and the text.
final class TextParser: FuzzedParser {
    let share = 8
    let longestInput = 128

    func run(_ input: inout Input) {
        let choice = input.byte() & 3
        let bytes = Array(input.all())
        let text = String(decoding: bytes, as: UTF8.self)
        switch choice {
        case 0: checkAddress(text)
        case 1:
            guard let prefix = Prefix(text) else { return }
            require(Prefix(prefix.description) == prefix, "a prefix is read as it is printed")
            require(prefix.length <= prefix.address.bitCount, "a prefix isn't longer than its address")
        case 2:
            guard let key = Base64.decode(bytes) else { return }
            require(Array(Base64.encode(key).utf8) == bytes, "a key has one form in base64")
        default:
            let memory = ExactBuffer(bytes)
            let key = Hex.decode(memory.readable)
            require(key == Hex.decode(bytes), "both ways to read hexadecimal digits agree")
            if let key { require(Hex.encode(key) == text.lowercased(), "a key has one form in hexadecimal digits") }
        }
    }

    private func checkAddress(_ text: String) {
        let address = IPAddress(text)
        if let address { require(IPAddress(address.description) == address, "an address is read as it is printed") }
        guard !text.utf8.contains(0) else { return }
        let form = ExactBuffer(count: 16)
        if inet_pton(AF_INET, text, form.start) == 1 {
            require(address == .v4(IPv4Address(loading: form.start)), "an IPv4 address as the C library reads it")
        } else if inet_pton(AF_INET6, text, form.start) == 1 {
            require(address == .v6(IPv6Address(loading: form.start)), "an IPv6 address as the C library reads it")
        } else {
            require(address == nil, "no address where the C library reads none")
        }
    }

    var samples: [[UInt8]] {
        let addresses = [
            "192.0.2.1", "255.255.255.255", "0.0.0.0", "01.2.3.4", "::", "::1", "2001:db8::1", "fe80::1:2",
            "::ffff:1.2.3.4",
            "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "1:2:3:4:5:6:1.2.3.4", "1::2:3:4:5:6:7:8",
            "1::2::3",
        ]
        let prefixes = ["10.0.0.0/8", "0.0.0.0/0", "2001:db8::/32", "::/0", "::1/128", "1.2.3.4/032", "1.2.3.4/33"]
        let base64 = ["uFmW/sycfx/G0lcqdu2hHVm80gvo5UOxXOS9hajnWjM=", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="]
        let hex = [
            "b85996fecc9c7f1fc6d2572a76eda11d59bcd20be8e543b15ce4bd85a8e75a33", String(repeating: "0", count: 64),
            String(repeating: "F", count: 64),
        ]
        return [addresses, prefixes, base64, hex].enumerated().flatMap { kind, texts in
            texts.map { [UInt8(kind)] + Array($0.utf8) }
        }
    }
}
