package import Wire

/// KDF1, KDF2 and KDF3 of Protocol §1: HKDF (RFC 5869) over ``HMAC`` with the chaining key as salt and no info.
package enum HKDF {
    /// KDF1(chainingKey, input): the first output.
    package static func derive1(_ chainingKey: Bytes32, _ input: UnsafeRawBufferPointer) -> Bytes32 {
        var extracted = extract(chainingKey, input)
        defer { extracted.erase() }
        return expand(extracted, index: 1)
    }

    /// KDF2(chainingKey, input): the first two outputs.
    package static func derive2(_ chainingKey: Bytes32, _ input: UnsafeRawBufferPointer) -> (Bytes32, Bytes32) {
        var extracted = extract(chainingKey, input)
        defer { extracted.erase() }
        let first = expand(extracted, index: 1)
        return (first, expand(extracted, previous: first, index: 2))
    }

    /// KDF3(chainingKey, input): the first three outputs.
    package static func derive3(
        _ chainingKey: Bytes32, _ input: UnsafeRawBufferPointer
    ) -> (Bytes32, Bytes32, Bytes32) {
        var extracted = extract(chainingKey, input)
        defer { extracted.erase() }
        let first = expand(extracted, index: 1)
        let second = expand(extracted, previous: first, index: 2)
        return (first, second, expand(extracted, previous: second, index: 3))
    }

    /// The extracted key, mixed in.
    private static func extract(_ chainingKey: Bytes32, _ input: UnsafeRawBufferPointer) -> HMAC {
        var extracted = withUnsafeBytes(of: chainingKey) { HMAC.authenticate(key: $0, input) }
        defer { extracted.wipe() }
        var hmac = withUnsafeBytes(of: &extracted) { HMAC(key: $0) }
        hmac.commit()
        return hmac
    }

    private static func expand(_ extracted: HMAC, index: UInt8) -> Bytes32 {
        withUnsafeBytes(of: index) { extracted.authenticate($0) }
    }

    private static func expand(_ extracted: HMAC, previous: Bytes32, index: UInt8) -> Bytes32 {
        withUnsafeBytes(of: previous) { previous in
            withUnsafeBytes(of: index) { extracted.authenticate(previous, $0) }
        }
    }
}
