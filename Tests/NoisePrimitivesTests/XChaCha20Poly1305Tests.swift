import NoisePrimitives
import Testing
import Wire

@Suite struct XChaCha20Poly1305Tests {
    @Test func knownSubkey() {
        let vector = Vectors.hChaCha20
        let subkey = vector.data.withUnsafeBytes { HChaCha20.subkey(Bytes32(vector.key)!, nonce: $0) }
        #expect(subkey.array == vector.output)
    }

    @Test(arguments: Vectors.xChaCha20Poly1305)
    func knownCiphertext(_ vector: Vectors.Sealing) {
        #expect(seal(vector.key, vector.nonce, vector.plaintext, vector.associatedData) == vector.output)
        #expect(open(vector.key, vector.nonce, vector.output, vector.associatedData) == vector.plaintext)
    }

    /// A cookie reply: 16 bytes of cookie, a MAC as associated data.
    @Test func refusesWhatWasTamperedWith() {
        let random = SeededRandomSource(seed: 8)
        let (key, nonce, mac) = (random.bytes(32), random.bytes(24), random.bytes(16))
        let cookie = random.bytes(16)
        let sealed = seal(key, nonce, cookie, mac)
        #expect(open(key, nonce, sealed, mac) == cookie)
        for bit in 0..<sealed.count * 8 { #expect(open(key, nonce, sealed.flipping(bit), mac) == nil) }
        for bit in 0..<24 * 8 { #expect(open(key, nonce.flipping(bit), sealed, mac) == nil) }
        for bit in 0..<16 * 8 { #expect(open(key, nonce, sealed, mac.flipping(bit)) == nil) }
        for bit in 0..<32 * 8 { #expect(open(key.flipping(bit), nonce, sealed, mac) == nil) }
        for cut in 0..<sealed.count { #expect(open(key, nonce, Array(sealed[..<cut]), mac) == nil) }
    }

    private func seal(
        _ key: [UInt8], _ nonce: [UInt8], _ plaintext: [UInt8], _ associatedData: [UInt8]
    ) -> [UInt8] {
        var output = repeating(0xee, plaintext.count + 16)
        nonce.withUnsafeBytes { nonce in
            plaintext.withUnsafeBytes { plaintext in
                associatedData.withUnsafeBytes { associatedData in
                    output.withUnsafeMutableBytes { output in
                        XChaCha20Poly1305.seal(
                            key: Bytes32(key)!, nonce: nonce, plaintext, associatedData: associatedData,
                            into: output.baseAddress!)
                    }
                }
            }
        }
        return output
    }

    private func open(
        _ key: [UInt8], _ nonce: [UInt8], _ ciphertext: [UInt8], _ associatedData: [UInt8]
    ) -> [UInt8]? {
        var output = repeating(0xee, max(1, ciphertext.count))
        let opened = nonce.withUnsafeBytes { nonce in
            ciphertext.withUnsafeBytes { ciphertext in
                associatedData.withUnsafeBytes { associatedData in
                    output.withUnsafeMutableBytes { output in
                        XChaCha20Poly1305.open(
                            key: Bytes32(key)!, nonce: nonce, ciphertext, associatedData: associatedData,
                            into: output.baseAddress!)
                    }
                }
            }
        }
        return opened ? Array(output.prefix(ciphertext.count - 16)) : nil
    }
}
