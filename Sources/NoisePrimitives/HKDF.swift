package import Wire

/// KDF1, KDF2 and KDF3 of Protocol §1: HKDF (RFC 5869) over ``HMAC`` with the chaining key as salt and no info.
package enum HKDF {
    /// KDF1(chainingKey, input): the first output.
    package static func derive1(_ chainingKey: Bytes32, _ input: UnsafeRawBufferPointer) -> Bytes32 {
        var extracted = extract(chainingKey, input)
        defer { extracted.wipe() }
        return expand(extracted, previous: .empty, index: 1)
    }

    /// KDF2(chainingKey, input): the first two outputs.
    package static func derive2(_ chainingKey: Bytes32, _ input: UnsafeRawBufferPointer) -> (Bytes32, Bytes32) {
        var extracted = extract(chainingKey, input)
        defer { extracted.wipe() }
        let first = expand(extracted, previous: .empty, index: 1)
        let second = first.withUnsafeBytes { expand(extracted, previous: $0, index: 2) }
        return (first, second)
    }

    /// KDF3(chainingKey, input): the first three outputs.
    package static func derive3(
        _ chainingKey: Bytes32, _ input: UnsafeRawBufferPointer
    ) -> (Bytes32, Bytes32, Bytes32) {
        var extracted = extract(chainingKey, input)
        defer { extracted.wipe() }
        let first = expand(extracted, previous: .empty, index: 1)
        let second = first.withUnsafeBytes { expand(extracted, previous: $0, index: 2) }
        let third = second.withUnsafeBytes { expand(extracted, previous: $0, index: 3) }
        return (first, second, third)
    }

    private static func extract(_ chainingKey: Bytes32, _ input: UnsafeRawBufferPointer) -> Bytes32 {
        chainingKey.withUnsafeBytes { HMAC.authenticate(key: $0, input) }
    }

    private static func expand(_ extracted: Bytes32, previous: UnsafeRawBufferPointer, index: UInt8) -> Bytes32 {
        extracted.withUnsafeBytes { key in
            withUnsafeBytes(of: index) { HMAC.authenticate(key: key, previous, $0) }
        }
    }
}
