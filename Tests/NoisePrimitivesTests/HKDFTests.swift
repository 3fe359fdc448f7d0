import NoisePrimitives
import Testing
import Wire

@Suite struct HKDFTests {
    @Test(arguments: Vectors.hmac)
    func knownHMAC(_ vector: Vectors.Hash) {
        vector.key.withUnsafeBytes { key in
            vector.data.withUnsafeBytes { data in
                #expect(HMAC.authenticate(key: key, data).array == vector.output)
                for cut in 0...data.count {
                    let first = UnsafeRawBufferPointer(rebasing: data[..<cut])
                    let second = UnsafeRawBufferPointer(rebasing: data[cut...])
                    #expect(HMAC.authenticate(key: key, first, second).array == vector.output)
                }
            }
        }
    }

    @Test(arguments: Vectors.keyDerivation)
    func knownOutputs(_ vector: Vectors.KeyDerivation) {
        let chainingKey = Bytes32(vector.chainingKey + repeating(0, 32 - vector.chainingKey.count))!
        vector.input.withUnsafeBytes { input in
            let one = HKDF.derive1(chainingKey, input)
            let two = HKDF.derive2(chainingKey, input)
            let three = HKDF.derive3(chainingKey, input)
            let outputs = [three.0, three.1, three.2].map(\.array)
            #expect(Array(outputs.prefix(vector.outputs.count)) == vector.outputs)
            #expect(one == three.0)
            #expect(two == (three.0, three.1))
        }
    }

    @Test func hmacIsNotTheKeyedMode() {
        let key = counting(to: 32)
        key.withUnsafeBytes { key in
            var keyed = BLAKE2s(key: key)
            #expect(HMAC.authenticate(key: key, .empty) != keyed.finalize())
        }
    }
}
