import NoisePrimitives
import Testing
import Wire

/// The in-place cipher of a session.
@Suite struct TransportCipherTests {
    @Test(arguments: Backend.allCases)
    func knownCiphertext(_ backend: Backend) {
        for vector in Vectors.chaCha20Poly1305 where vector.associatedData.isEmpty {
            let cipher = backend.cipher.init(key: Secret32(array: vector.key))
            let counter = vector.nonce[4...].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            #expect(cipher.seal(vector.plaintext, counter: counter) == vector.output)
            #expect(cipher.open(vector.output, counter: counter) == vector.plaintext)
        }
    }

    /// Every length that a packet may have: a round trip, and the same bytes from both backends and from one-shot.
    @Test func everyLength() {
        let random = SeededRandomSource(seed: 9)
        let key = random.bytes(32)
        let ciphers = Backend.allCases.map { $0.cipher.init(key: Secret32(array: key)) }
        for size in 0...1500 {
            let plaintext = random.bytes(size)
            let counter = random.uint64()
            let nonce = repeating(0, 4) + (0..<8).map { UInt8(truncatingIfNeeded: counter >> (8 * $0)) }
            let sealed = ciphers[0].seal(plaintext, counter: counter)
            let matches =
                sealed == ciphers[1].seal(plaintext, counter: counter)
                && sealed == TransportCipher.seal(key: key, nonce: nonce, plaintext, associatedData: [])
                && ciphers.allSatisfy { $0.open(sealed, counter: counter) == plaintext }
            #expect(matches, "length \(size)")
            let altered = sealed.flipping(Int(random.below(UInt64(sealed.count * 8))))
            #expect(ciphers.allSatisfy { $0.open(altered, counter: counter) == nil }, "length \(size)")
        }
    }

    @Test func largestDatagram() {
        let random = SeededRandomSource(seed: 10)
        let cipher = TransportCipher(key: random.secret())
        let plaintext = random.bytes(65_535)
        #expect(cipher.open(cipher.seal(plaintext, counter: .max), counter: .max) == plaintext)
    }

    @Test func writesNothingBehindTheTag() {
        let random = SeededRandomSource(seed: 11)
        let cipher = TransportCipher(key: random.secret())
        for size in 0...200 {
            // Misaligned, as a packet may be.
            var bytes = repeating(0x77, 1 + size + 16 + 32)
            bytes.withUnsafeMutableBytes { cipher.seal($0.baseAddress! + 1, count: size, counter: 1) }
            #expect(bytes[0] == 0x77)
            #expect(bytes[(1 + size + 16)...].allSatisfy { $0 == 0x77 })
            let opened = bytes.withUnsafeMutableBytes {
                cipher.open($0.baseAddress! + 1, count: size + 16, counter: 1)
            }
            #expect(opened)
            #expect(bytes[..<(1 + size)].allSatisfy { $0 == 0x77 })
            #expect(bytes[(1 + size + 16)...].allSatisfy { $0 == 0x77 })
        }
    }

    @Test(arguments: Backend.allCases)
    func refusesWhatWasTamperedWith(_ backend: Backend) {
        let random = SeededRandomSource(seed: 12)
        let cipher = backend.cipher.init(key: random.secret())
        let stranger = backend.cipher.init(key: random.secret())
        let plaintext = random.bytes(48)
        let sealed = cipher.seal(plaintext, counter: 5)
        #expect(cipher.open(sealed, counter: 5) == plaintext)
        for bit in 0..<sealed.count * 8 { #expect(cipher.open(sealed.flipping(bit), counter: 5) == nil) }
        for bit in 0..<64 { #expect(cipher.open(sealed, counter: 5 ^ 1 << UInt64(bit)) == nil) }
        for cut in 0..<sealed.count { #expect(cipher.open(Array(sealed[..<cut]), counter: 5) == nil) }
        #expect(stranger.open(sealed, counter: 5) == nil)
    }

    @Test(arguments: Backend.allCases)
    func impossibleCounts(_ backend: Backend) {
        let cipher = backend.cipher.init(key: Secret32.zero)
        var bytes = repeating(0, 16)
        bytes.withUnsafeMutableBytes { bytes in
            for count in [Int.min, -1, 0, 15] {
                let opened = cipher.open(bytes.baseAddress!, count: count, counter: 0)
                #expect(!opened)
            }
        }
    }

    /// Many threads may use one cipher at a time.
    @Test func shared() async {
        let cipher = TransportCipher(key: SeededRandomSource(seed: 13).secret())
        let failures = await withTaskGroup(of: Int.self) { group in
            for task in 0..<4 {
                group.addTask {
                    let random = SeededRandomSource(seed: UInt64(100 + task))
                    return (0..<500).count { counter in
                        let plaintext = random.bytes(64)
                        let sealed = cipher.seal(plaintext, counter: UInt64(counter))
                        return cipher.open(sealed, counter: UInt64(counter)) != plaintext
                    }
                }
            }
            return await group.reduce(0, +)
        }
        #expect(failures == 0)
    }
}
