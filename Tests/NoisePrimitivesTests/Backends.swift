import NoisePrimitives
import Wire

/// The two implementations that every answer is asked of: the one the data path uses and the one that only needs the
/// public interface of swift-crypto.
enum Backend: CaseIterable, Sendable {
    case selected
    case portable

    var cipher: any AEADCipher.Type {
        switch self {
        case .selected: TransportCipher.self
        case .portable: PortableCipher.self
        }
    }

    var curve: any DiffieHellman.Type {
        switch self {
        case .selected: Curve.self
        case .portable: PortableCurve.self
        }
    }

    var blockCipher: any BlockCipher.Type {
        switch self {
        case .selected: AES256.self
        case .portable: PortableAES256.self
        }
    }

    var streamCipher: any StreamCipher.Type {
        switch self {
        case .selected: ChaCha20.self
        case .portable: PortableChaCha20.self
        }
    }
}

extension AEADCipher {
    /// Ciphertext and tag of one message.
    static func seal(
        key: [UInt8], nonce: [UInt8], _ plaintext: [UInt8], associatedData: [UInt8]
    ) -> [UInt8] {
        var output = repeating(0xee, plaintext.count + 16)
        let nonce = nonce.withUnsafeBytes { ChaCha20Nonce(loading: $0.baseAddress!) }
        plaintext.withUnsafeBytes { plaintext in
            associatedData.withUnsafeBytes { associatedData in
                output.withUnsafeMutableBytes { output in
                    seal(
                        key: Bytes32(key)!, nonce: nonce, plaintext, associatedData: associatedData,
                        into: output.baseAddress!)
                }
            }
        }
        return output
    }

    /// The plaintext; nil when it doesn't authenticate.
    static func open(
        key: [UInt8], nonce: [UInt8], _ ciphertext: [UInt8], associatedData: [UInt8]
    ) -> [UInt8]? {
        var output = repeating(0xee, max(16, ciphertext.count))
        let nonce = nonce.withUnsafeBytes { ChaCha20Nonce(loading: $0.baseAddress!) }
        let opened = ciphertext.withUnsafeBytes { ciphertext in
            associatedData.withUnsafeBytes { associatedData in
                output.withUnsafeMutableBytes { output in
                    open(
                        key: Bytes32(key)!, nonce: nonce, ciphertext, associatedData: associatedData,
                        into: output.baseAddress!)
                }
            }
        }
        return opened ? Array(output.prefix(ciphertext.count - 16)) : nil
    }

    /// Seals in place.
    func seal(_ plaintext: [UInt8], counter: UInt64) -> [UInt8] {
        var bytes = plaintext + repeating(0xee, 16)
        bytes.withUnsafeMutableBytes { seal($0.baseAddress!, count: plaintext.count, counter: counter) }
        return bytes
    }

    /// Opens in place; nil when it doesn't authenticate.
    func open(_ ciphertext: [UInt8], counter: UInt64) -> [UInt8]? {
        var bytes = ciphertext + [0xee]
        let opened = bytes.withUnsafeMutableBytes {
            open($0.baseAddress!, count: ciphertext.count, counter: counter)
        }
        return opened ? Array(bytes.prefix(ciphertext.count - 16)) : nil
    }
}
