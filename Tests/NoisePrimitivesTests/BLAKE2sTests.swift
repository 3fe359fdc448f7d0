import NoisePrimitives
import Testing
import Wire

@Suite struct BLAKE2sTests {
    @Test(arguments: Vectors.blake2s)
    func knownHash(_ vector: Vectors.Hash) {
        let output = vector.key.withUnsafeBytes { key in
            var hash = BLAKE2s(key: key)
            vector.data.withUnsafeBytes { hash.update($0) }
            return hash.finalize()
        }
        #expect(output.array == vector.output)
        if vector.key.isEmpty {
            #expect(vector.data.withUnsafeBytes { BLAKE2s.hash($0) }.array == vector.output)
        }
    }

    @Test(arguments: Vectors.mac)
    func knownMAC(_ vector: Vectors.Hash) {
        let output = vector.key.withUnsafeBytes { key in
            vector.data.withUnsafeBytes { BLAKE2s.mac(key: key, $0) }
        }
        #expect(output.array == vector.output)
    }

    /// RFC 7693 appendix E: one hash over the hashes of many lengths, unkeyed and keyed, of four output sizes.
    @Test func selfTestOfTheSpecification() {
        func sequence(_ count: Int, seed: UInt32) -> [UInt8] {
            var (a, b) = (0xdead_4bad &* seed, UInt32(1))
            return (0..<count).map { _ in
                (a, b) = (b, a &+ b)
                return UInt8(b >> 24)
            }
        }
        var outer = BLAKE2s()
        for outputSize in [16, 20, 28, 32] {
            for inputSize in [0, 3, 64, 65, 255, 1024] {
                let input = sequence(inputSize, seed: UInt32(inputSize))
                for key in [[], sequence(outputSize, seed: UInt32(outputSize))] {
                    let output = key.withUnsafeBytes { key in
                        var hash = BLAKE2s(outputSize: outputSize, key: key)
                        input.withUnsafeBytes { hash.update($0) }
                        return hash.finalize()
                    }
                    #expect(output.array.dropFirst(outputSize).allSatisfy { $0 == 0 })
                    output.withUnsafeBytes { outer.update(UnsafeRawBufferPointer(rebasing: $0[..<outputSize])) }
                }
            }
        }
        #expect(
            outer.finalize().array == hex("6a411f08ce25adcdfb02aba641451cec53c598b24f4fc787fbdc88797f4c1dfe"))
    }

    @Test func piecesMakeNoDifference() {
        let random = SeededRandomSource(seed: 1)
        for size in 0...300 {
            let message = random.bytes(size)
            let whole = message.withUnsafeBytes { BLAKE2s.hash($0) }
            var hash = BLAKE2s()
            var rest = message[...]
            while !rest.isEmpty {
                let piece = Array(rest.prefix(Int(random.below(70))))
                piece.withUnsafeBytes { hash.update($0) }
                rest = rest.dropFirst(piece.count)
            }
            #expect(hash.finalize() == whole)
            let cut = Int(random.below(UInt64(size + 1)))
            let joined = message.withUnsafeBytes { bytes in
                BLAKE2s.hash(
                    UnsafeRawBufferPointer(rebasing: bytes[..<cut]), UnsafeRawBufferPointer(rebasing: bytes[cut...]))
            }
            #expect(joined == whole)
        }
    }

    @Test func copiesGoOnFromCommittedBlocks() {
        let message = counting(to: 200)
        let key = counting(to: 32)
        key.withUnsafeBytes { key in
            message.withUnsafeBytes { message in
                var start = BLAKE2s(outputSize: 16, key: key)
                start.commit()
                for size in 1...200 {
                    let piece = UnsafeRawBufferPointer(rebasing: message[..<size])
                    var hash = start
                    hash.update(piece)
                    #expect(hash.finalizeMAC() == BLAKE2s.mac(key: key, piece))
                }
                var second = BLAKE2s()
                second.update(UnsafeRawBufferPointer(rebasing: message[..<128]))
                second.commit()
                second.update(UnsafeRawBufferPointer(rebasing: message[128...]))
                #expect(second.finalize() == BLAKE2s.hash(message))
            }
        }
    }

    @Test func outputSizeIsHashed() {
        let key = counting(to: 32)
        key.withUnsafeBytes { key in
            var hash = BLAKE2s(key: key)
            #expect(BLAKE2s.mac(key: key, .empty).array != Array(hash.finalize().array[..<16]))
        }
    }

    /// The initial values of a handshake. Protocol §1.
    @Test func handshakeConstants() {
        let construction = Array("Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s".utf8)
        let identifier = Array("WireGuard v1 zx2c4 Jason@zx2c4.com".utf8)
        let chainingKey = construction.withUnsafeBytes { BLAKE2s.hash($0) }
        let hash = chainingKey.withUnsafeBytes { chainingKey in
            identifier.withUnsafeBytes { BLAKE2s.hash(chainingKey, $0) }
        }
        #expect(chainingKey.array == hex("60e26daef327efc02ec335e2a025d2d016eb4206f87277f52d38d1988b78cd36"))
        #expect(hash.array == hex("2211b361081ac566691243db458ad5322d9c6c662293e8b70ee19c65ba079ef3"))
    }
}
