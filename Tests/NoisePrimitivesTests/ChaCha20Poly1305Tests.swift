import NoisePrimitives
import Testing
import Wire

/// Single messages, with associated data.
@Suite struct ChaCha20Poly1305Tests {
    @Test(arguments: Vectors.chaCha20Poly1305, Backend.allCases)
    func knownCiphertext(_ vector: Vectors.Sealing, _ backend: Backend) {
        let sealed = backend.cipher.seal(
            key: vector.key, nonce: vector.nonce, vector.plaintext, associatedData: vector.associatedData)
        #expect(sealed == vector.output)
        let opened = backend.cipher.open(
            key: vector.key, nonce: vector.nonce, vector.output, associatedData: vector.associatedData)
        #expect(opened == vector.plaintext)
    }

    /// The entry point of the handshake, which takes a counter instead of a nonce.
    @Test(arguments: Vectors.chaCha20Poly1305.filter { $0.nonce.starts(with: [0, 0, 0, 0]) })
    func knownCiphertextByCounter(_ vector: Vectors.Sealing) {
        let counter = vector.nonce[4...].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        let key = Bytes32(vector.key)!
        var bytes = vector.plaintext + repeating(0xee, 16)
        bytes.withUnsafeMutableBytes { bytes in
            // In place, which the entry point allows.
            let plaintext = UnsafeRawBufferPointer(rebasing: bytes[..<vector.plaintext.count])
            ChaCha20Poly1305.seal(
                key: key, counter: counter, plaintext, associatedData: .empty, into: bytes.baseAddress!)
            #expect(Array(bytes) == vector.output)
            let opened = ChaCha20Poly1305.open(
                key: key, counter: counter, UnsafeRawBufferPointer(bytes), associatedData: .empty,
                into: bytes.baseAddress!)
            #expect(opened)
            #expect(bytes.starts(with: vector.plaintext))
        }
    }

    @Test func counterIsZeroUnlessGiven() {
        let key = Bytes32(counting(to: 32))!
        var output = repeating(0, 16)
        output.withUnsafeMutableBytes { output in
            ChaCha20Poly1305.seal(key: key, .empty, associatedData: .empty, into: output.baseAddress!)
            let opened = ChaCha20Poly1305.open(
                key: key, UnsafeRawBufferPointer(output), associatedData: .empty, into: output.baseAddress!)
            #expect(opened)
        }
        #expect(output == hex("10324f800a160bd9a1794255be7ec29d"))
    }

    @Test(arguments: Backend.allCases)
    func refusesWhatWasTamperedWith(_ backend: Backend) {
        let random = SeededRandomSource(seed: 6)
        let (key, nonce, associatedData) = (random.bytes(32), random.bytes(12), random.bytes(32))
        func open(_ key: [UInt8], _ nonce: [UInt8], _ ciphertext: [UInt8], _ associatedData: [UInt8]) -> [UInt8]? {
            backend.cipher.open(key: key, nonce: nonce, ciphertext, associatedData: associatedData)
        }
        for size in [0, 12, 32, 100] {
            let plaintext = random.bytes(size)
            let sealed = backend.cipher.seal(key: key, nonce: nonce, plaintext, associatedData: associatedData)
            #expect(open(key, nonce, sealed, associatedData) == plaintext)
            for bit in 0..<sealed.count * 8 { #expect(open(key, nonce, sealed.flipping(bit), associatedData) == nil) }
            for bit in 0..<256 { #expect(open(key, nonce, sealed, associatedData.flipping(bit)) == nil) }
            for bit in 0..<96 { #expect(open(key, nonce.flipping(bit), sealed, associatedData) == nil) }
            for bit in 0..<256 { #expect(open(key.flipping(bit), nonce, sealed, associatedData) == nil) }
            for cut in 0..<sealed.count { #expect(open(key, nonce, Array(sealed[..<cut]), associatedData) == nil) }
            #expect(open(key, nonce, sealed + [0], associatedData) == nil)
            #expect(open(key, nonce, sealed, associatedData + [0]) == nil)
            #expect(open(key, nonce, sealed, associatedData.dropLast()) == nil)
            #expect(open(key, nonce, sealed, []) == nil)
        }
    }

    @Test func backendsAgree() {
        let random = SeededRandomSource(seed: 7)
        for _ in 0..<300 {
            let (key, nonce) = (random.bytes(32), random.bytes(12))
            let plaintext = random.bytes(Int(random.below(200)))
            let associatedData = random.bytes(Int(random.below(70)))
            let sealed = Backend.allCases.map {
                $0.cipher.seal(key: key, nonce: nonce, plaintext, associatedData: associatedData)
            }
            #expect(sealed[0] == sealed[1])
            for backend in Backend.allCases {
                let opened = backend.cipher.open(key: key, nonce: nonce, sealed[0], associatedData: associatedData)
                #expect(opened == plaintext)
            }
        }
    }
}

extension [UInt8] {
    /// The same bytes with one bit changed.
    func flipping(_ bit: Int) -> [UInt8] {
        var bytes = self
        bytes[bit / 8] ^= 1 << UInt8(bit % 8)
        return bytes
    }
}
