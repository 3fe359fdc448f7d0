import NoisePrimitives
import Testing
import Wire

@Suite struct X25519Tests {
    @Test(arguments: Vectors.x25519)
    func knownSecret(_ vector: Vectors.DiffieHellman) {
        let secret = X25519.sharedSecret(Secret32(array: vector.privateKey), Bytes32(vector.publicKey)!)
        #expect(secret?.array == vector.output)
    }

    /// RFC 7748 §5.2: each round's result is the next private key, the former private key the next public one.
    @Test func iterated() throws {
        var publicKey = Bytes32([9] + repeating(0, 31))!
        var privateKey = Secret32(publicKey)
        for round in 1...1000 {
            let result = try #require(X25519.sharedSecret(privateKey, publicKey))
            publicKey = privateKey.bytes
            privateKey = result
            if round == 1 {
                #expect(result.array == hex("422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079"))
            }
        }
        #expect(privateKey.array == hex("684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51"))
    }

    /// RFC 7748 §6.1.
    @Test func publicKey() {
        let privateKey = hex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb")
        let publicKey = hex("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f")
        #expect(X25519.publicKey(of: Secret32(array: privateKey)).bytes.array == publicKey)
    }

    @Test func bothSidesAgree() {
        let random = SeededRandomSource(seed: 2)
        for _ in 0..<50 {
            let (first, second) = (random.secret(), random.secret())
            let one = X25519.sharedSecret(first, X25519.publicKey(of: second).bytes)
            let other = X25519.sharedSecret(second, X25519.publicKey(of: first).bytes)
            #expect(one != nil)
            #expect(one?.array == other?.array)
        }
    }

    @Test func clamping() {
        #expect(X25519.clamp(Bytes32(repeating(0xff, 32))!).array == [0xf8] + repeating(0xff, 30) + [0x7f])
        #expect(X25519.clamp(Bytes32()).array == repeating(0, 31) + [0x40])
        let random = SeededRandomSource(seed: 3)
        for _ in 0..<20 {
            let key = random.bytes32()
            let clamped = X25519.clamp(key)
            #expect(X25519.clamp(clamped) == clamped)
            #expect(clamped.array[1..<31] == key.array[1..<31])
            #expect(X25519.publicKey(of: Secret32(clamped)) == X25519.publicKey(of: Secret32(key)))
        }
    }

    /// The encodings of the points of low order, those at and above the prime included.
    @Test(arguments: [
        repeating(0, 32),
        [1] + repeating(0, 31),
        hex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
        hex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
        [0xec] + repeating(0xff, 30) + [0x7f],
        [0xed] + repeating(0xff, 30) + [0x7f],
        [0xee] + repeating(0xff, 30) + [0x7f],
    ])
    func lowOrder(_ point: [UInt8]) {
        let random = SeededRandomSource(seed: 4)
        for topBit in [UInt8(0), 0x80] {
            var point = point
            point[31] |= topBit
            for _ in 0..<5 {
                let secret = X25519.sharedSecret(random.secret(), Bytes32(point)!)
                #expect(secret == nil)
            }
        }
    }

    @Test func backendsAgree() {
        let random = SeededRandomSource(seed: 5)
        for round in 0..<50 {
            let privateKey = random.bytes(32)
            let publicKey = round == 0 ? repeating(0, 32) : random.bytes(32)
            let publics = Backend.allCases.map { $0.curve.publicKey(of: privateKey) }
            let secrets = Backend.allCases.map { $0.curve.sharedSecret(privateKey, publicKey) }
            #expect(publics[0] == publics[1])
            #expect(secrets[0] == secrets[1])
            #expect(secrets[0].allSatisfy { $0 == 0 } == (round == 0))
        }
    }
}

extension DiffieHellman {
    fileprivate static func publicKey(of privateKey: [UInt8]) -> [UInt8] {
        var output = repeating(0xee, 32)
        privateKey.withUnsafeBytes { privateKey in
            output.withUnsafeMutableBytes { publicKey(of: privateKey, into: $0) }
        }
        return output
    }

    fileprivate static func sharedSecret(_ privateKey: [UInt8], _ publicKey: [UInt8]) -> [UInt8] {
        var output = repeating(0xee, 32)
        privateKey.withUnsafeBytes { privateKey in
            publicKey.withUnsafeBytes { publicKey in
                output.withUnsafeMutableBytes { sharedSecret(privateKey, publicKey, into: $0) }
            }
        }
        return output
    }
}
