import Foundation
import Testing
import Wire

@Suite struct KeyTextTests {
    @Test(arguments: [
        ([UInt8](repeating: 0, count: 32), "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
        ([UInt8](repeating: 255, count: 32), "//////////////////////////////////////////8="),
        ([UInt8](0..<32), "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="),
    ])
    func knownBase64(_ bytes: [UInt8], _ text: String) {
        #expect(Base64.encode(Bytes32(bytes)!) == text)
        #expect(Base64.decode(text.utf8)?.array == bytes)
    }

    @Test func base64AsFoundationHasIt() {
        var random = PacketRandom(state: 30)
        for _ in 0..<500 {
            let bytes = random.bytes(32)
            let text = Base64.encode(Bytes32(bytes)!)
            #expect(text == Data(bytes).base64EncodedString())
            #expect(Base64.decode(text.utf8)?.array == bytes)
        }
    }

    /// Every byte value at every place: what is accepted is a key whose text is exactly that.
    @Test func base64HasOneSpelling() {
        var random = PacketRandom(state: 31)
        let alphabet = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        let original = Array(Base64.encode(Bytes32(random.bytes(32))!).utf8)
        for position in original.indices {
            var accepted: Set<UInt8> = []
            for byte in UInt8.min ... .max {
                var text = original
                text[position] = byte
                guard let key = Base64.decode(text) else { continue }
                accepted.insert(byte)
                #expect(Array(Base64.encode(key).utf8) == text)
            }
            switch position {
            case 43: #expect(accepted == [UInt8(ascii: "=")])
            // The last character carries four bits of the key, and two that must be zero.
            case 42: #expect(accepted == Set("AEIMQUYcgkosw048".utf8))
            default: #expect(accepted == alphabet)
            }
        }
    }

    @Test(arguments: [
        "", "=", "AAAA",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
        " AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "AAAAAAAAAAAAAAAAAAAAA=AAAAAAAAAAAAAAAAAAAAA=",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "ÄAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    ])
    func refusedBase64(_ text: String) {
        #expect(Base64.decode(text.utf8) == nil)
    }

    @Test func hexOfEveryKey() {
        var random = PacketRandom(state: 32)
        for _ in 0..<500 {
            let bytes = random.bytes(32)
            let text = bytes.map { String(format: "%02x", $0) }.joined()
            #expect(Hex.encode(Bytes32(bytes)!) == text)
            #expect(Hex.decode(text.utf8)?.array == bytes)
            #expect(Hex.decode(text.uppercased().utf8)?.array == bytes)
        }
    }

    @Test func hexTakesDigitsOnly() {
        let digits = Set("0123456789abcdefABCDEF".utf8)
        let original = Array(String(repeating: "5a", count: 32).utf8)
        for position in original.indices {
            for byte in UInt8.min ... .max {
                var text = original
                text[position] = byte
                let key = Hex.decode(text)
                #expect((key != nil) == digits.contains(byte))
                if let key {
                    let lowercase = String(decoding: text, as: UTF8.self).lowercased()
                    #expect(Hex.encode(key) == lowercase)
                }
            }
        }
    }

    @Test func hexHasOneLength() {
        for count in 0...130 where count != 64 {
            #expect(Hex.decode([UInt8](repeating: UInt8(ascii: "0"), count: count)) == nil)
        }
    }

    @Test func garbageIsRefused() {
        var random = PacketRandom(state: 33)
        for _ in 0..<2000 {
            let bytes = random.bytes(Int.random(in: 0...80, using: &random))
            #expect(Base64.decode(bytes) == nil)
            #expect(Hex.decode(bytes) == nil)
        }
    }

    @Test func publicKeysAreNamedShort() {
        let key = PublicKey(Bytes32(0..<32)!)
        #expect(key.base64 == "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
        #expect("\(key)" == "AAEC…dHh8")
    }

    @Test func secretsAreNotPrinted() {
        let secret = Secret32(Bytes32(repeatElement(0x41, count: 32))!)
        var dumped = ""
        dump(secret, to: &dumped)
        for text in ["\(secret)", String(reflecting: secret), dumped] {
            #expect(!text.contains("65") && !text.contains("41") && !text.contains("0x"))
        }
        #expect("\(secret)" == "Secret32(hidden)")
    }
}
