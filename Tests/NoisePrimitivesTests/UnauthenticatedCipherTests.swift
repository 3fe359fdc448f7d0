import NoisePrimitives
import Testing
import Wire

@Suite struct BlockCipherTests {
    @Test(arguments: Backend.allCases) func givesTheKnownAnswers(_ backend: Backend) {
        for vector in Vectors.blocks {
            let cipher = backend.blockCipher.init(key: Secret32(array: vector.key))
            #expect(cipher.encrypt(vector.plain) == vector.encrypted)
            #expect(cipher.decrypt(vector.encrypted) == vector.plain)
        }
    }

    @Test func backendsAgree() {
        let random = SeededRandomSource(seed: 1)
        for _ in 0..<20 {
            let key = Secret32(array: random.bytes(32))
            let block = random.bytes(16)
            let encrypted = AES256(key: key).encrypt(block)
            let portable = PortableAES256(key: key)
            #expect(portable.encrypt(block) == encrypted)
            #expect(portable.decrypt(encrypted) == block)
        }
    }

    @Test(arguments: Backend.allCases) func worksInPlace(_ backend: Backend) {
        let vector = Vectors.blocks[0]
        let cipher = backend.blockCipher.init(key: Secret32(array: vector.key))
        var block = vector.plain
        block.withUnsafeMutableBytes { cipher.encrypt($0.baseAddress!, into: $0.baseAddress!) }
        #expect(block == vector.encrypted)
        block.withUnsafeMutableBytes { cipher.decrypt($0.baseAddress!, into: $0.baseAddress!) }
        #expect(block == vector.plain)
    }
}

@Suite struct StreamCipherTests {
    @Test(arguments: Backend.allCases) func givesTheKnownAnswers(_ backend: Backend) {
        for vector in Vectors.streams {
            let result = backend.streamCipher.applied(
                to: vector.plain, key: vector.key, nonce: vector.nonce, counter: vector.counter)
            #expect(result == vector.encrypted)
        }
    }

    @Test func backendsAgreeOnEveryLength() {
        let random = SeededRandomSource(seed: 2)
        for length in [0, 1, 15, 16, 63, 64, 65, 127, 128, 129, 300] {
            let (key, nonce, plain) = (random.bytes(32), random.bytes(12), random.bytes(length))
            let expected = ChaCha20.applied(to: plain, key: key, nonce: nonce, counter: 7)
            #expect(PortableChaCha20.applied(to: plain, key: key, nonce: nonce, counter: 7) == expected)
        }
    }

    @Test(arguments: Backend.allCases) func bothKindsOfKeysGiveTheSame(_ backend: Backend) {
        let (key, nonce) = (counting(to: 32), counting(to: 12))
        var bytes = repeating(0, 100)
        bytes.withUnsafeMutableBytes { bytes in
            nonce.withUnsafeBytes { nonce in
                backend.streamCipher.apply(
                    key: Secret32(array: key), nonce: nonce.baseAddress!, to: bytes.baseAddress!, count: 100)
            }
        }
        let expected = backend.streamCipher.applied(to: repeating(0, 100), key: key, nonce: nonce, counter: 0)
        #expect(bytes == expected)
    }

    @Test func peekingShowsTheBeginning() {
        let random = SeededRandomSource(seed: 3)
        let (key, nonce, plain) = (random.bytes(32), random.bytes(24), random.bytes(90))
        var sealed = repeating(0, 106)
        sealed.withUnsafeMutableBytes { sealed in
            plain.withUnsafeBytes { plain in
                nonce.withUnsafeBytes { nonce in
                    XChaCha20Poly1305.seal(
                        key: Bytes32(key)!, nonce: nonce, plain, associatedData: .empty, into: sealed.baseAddress!)
                }
            }
        }
        for length in [0, 10, 80] {
            var head = Array(sealed.prefix(length)) + [0xee]
            head.withUnsafeMutableBytes { head in
                nonce.withUnsafeBytes { nonce in
                    XChaCha20Poly1305.peek(key: Bytes32(key)!, nonce: nonce, head.baseAddress!, count: length)
                }
            }
            #expect(head == plain.prefix(length) + [0xee])
        }
    }
}

extension BlockCipher {
    fileprivate func encrypt(_ block: [UInt8]) -> [UInt8] {
        var output = repeating(0xee, 16)
        block.withUnsafeBytes { block in
            output.withUnsafeMutableBytes { encrypt(block.baseAddress!, into: $0.baseAddress!) }
        }
        return output
    }

    fileprivate func decrypt(_ block: [UInt8]) -> [UInt8] {
        var output = repeating(0xee, 16)
        block.withUnsafeBytes { block in
            output.withUnsafeMutableBytes { decrypt(block.baseAddress!, into: $0.baseAddress!) }
        }
        return output
    }
}

extension StreamCipher {
    /// What becomes of `bytes`, and nothing behind them.
    fileprivate static func applied(to bytes: [UInt8], key: [UInt8], nonce: [UInt8], counter: UInt32) -> [UInt8] {
        var output = bytes + [0xee]
        output.withUnsafeMutableBytes { output in
            nonce.withUnsafeBytes { nonce in
                apply(
                    key: Bytes32(key)!, nonce: nonce.baseAddress!, counter: counter, to: output.baseAddress!,
                    count: bytes.count)
            }
        }
        #expect(output.last == 0xee)
        return output.dropLast()
    }
}
