import NoisePrimitives
import Tunnel
import Wire

extension VeilKeys {
    /// Seals a handshake message, or nothing, into a datagram that fills `output`, which has room for it and begins with the
    /// salt. Veil §5.2.
    func sealHandshake(
        _ message: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer, at time: WallTime
    ) {
        typealias Form = Veil.Handshake
        // Safe: there is room for a message.
        let start = output.baseAddress.unsafelyUnwrapped
        makeProof(of: start, at: start + Form.saltSize)
        let plaintext = UnsafeMutableRawBufferPointer(
            start: start + Form.nonceSize, count: output.count - Form.nonceSize - Message.tagSize)
        plaintext.initializeMemory(as: UInt8.self, repeating: 0)
        plaintext.storeBytes(of: time.milliseconds.littleEndian, as: Int64.self)
        UnsafeMutableRawBufferPointer(rebasing: plaintext[Form.timeSize...]).copyMemory(from: message)
        handshake.withBytes { key in
            XChaCha20Poly1305.seal(
                key: key, nonce: UnsafeRawBufferPointer(start: start, count: Form.nonceSize),
                UnsafeRawBufferPointer(plaintext), associatedData: .empty, into: start + Form.nonceSize)
        }
    }

    /// What a handshake datagram holds.
    struct OpenHandshake {
        /// Milliseconds of Unix time.
        let time: Int64
        /// Bytes of the message, which are the output's first; 0 when there is none.
        let count: Int
    }

    /// Opens a handshake datagram into `output`, which has room for all of it; nil when it isn't one. Veil §5.3.
    func openHandshake(
        _ datagram: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
    ) -> OpenHandshake? {
        typealias Form = Veil.Handshake
        guard (Form.leastSize...Form.mostSize).contains(datagram.count), datagram.count <= output.count,
            let start = datagram.baseAddress, let target = output.baseAddress
        else { return nil }
        var proof: UInt64 = 0
        withUnsafeMutableBytes(of: &proof) { makeProof(of: start, at: $0.baseAddress.unsafelyUnwrapped) }
        guard proof == start.loadUnaligned(fromByteOffset: Form.saltSize, as: UInt64.self) else { return nil }
        let isOpen = handshake.withBytes { key in
            XChaCha20Poly1305.open(
                key: key, nonce: UnsafeRawBufferPointer(rebasing: datagram[..<Form.nonceSize]),
                UnsafeRawBufferPointer(rebasing: datagram[Form.nonceSize...]), associatedData: .empty, into: target)
        }
        guard isOpen else { return nil }
        let plaintext = UnsafeRawBufferPointer(
            start: target, count: datagram.count - Form.nonceSize - Message.tagSize)
        let time = Int64(littleEndian: plaintext.loadUnaligned(as: Int64.self))
        // Safe: the least datagram has a kind after the time.
        let kind = plaintext[Form.timeSize]
        if kind == Form.cover { return OpenHandshake(time: time, count: 0) }
        guard let count = Form.messageSize(kind: kind), count <= plaintext.count - Form.timeSize else { return nil }
        target.copyMemory(from: target + Form.timeSize, byteCount: count)
        return OpenHandshake(time: time, count: count)
    }

    /// Writes the eight bytes that prove those who know the keys made the sixteen at `salt`.
    private func makeProof(of salt: UnsafeRawPointer, at target: UnsafeMutableRawPointer) {
        var block = SIMD2<UInt64>()
        withUnsafeMutableBytes(of: &block) { block in
            // Safe: the buffer holds sixteen bytes.
            proof.encrypt(salt, into: block.baseAddress.unsafelyUnwrapped)
        }
        target.storeBytes(of: block[0], as: UInt64.self)
    }
}

extension Secret32 {
    /// Lends the bytes as a value, which is overwritten afterwards.
    fileprivate func withBytes<R>(_ body: (Bytes32) -> R) -> R {
        var copy = bytes
        defer { copy.wipe() }
        return body(copy)
    }
}

extension WallTime {
    /// Milliseconds of Unix time.
    var milliseconds: Int64 { seconds &* 1000 &+ Int64(nanoseconds / 1_000_000) }
}
