import NoisePrimitives
import Tunnel
import Wire

/// What the modes of swgp-go have in common: one key for both directions, as it is, for AES-256 and for XChaCha20-Poly1305.
/// Obfuscation §2.
enum SWGP {
    static let blockSize = AES256.blockSize
    static let nonceSize = XChaCha20Poly1305.nonceSize
    /// Bytes of a message's length, and of the Unix time in seconds that follows it in the modes that date handshakes.
    static let lengthSize = 2
    static let timeSize = 8
    /// What the paranoid modes add to a message: nonce, length, tag.
    static let paranoidOverhead = nonceSize + lengthSize + Message.tagSize
    /// Seconds by which the clocks of both sides may differ in the modes that date handshakes.
    static let window: Int64 = 15
    /// Bytes of an IPv4 or IPv6 header and a UDP header.
    static let headers4 = 20 + 8
    static let headers6 = 40 + 8

    /// The length of a message as it stands before or behind it: big-endian, but little-endian in the modes that date handshakes.
    static func length(_ field: UnsafeRawPointer, isDated: Bool) -> Int {
        let number = field.loadUnaligned(as: UInt16.self)
        return Int(isDated ? UInt16(littleEndian: number) : UInt16(bigEndian: number))
    }

    static func store(length: Int, to field: UnsafeMutableRawPointer, isDated: Bool) {
        let number = UInt16(truncatingIfNeeded: length)
        field.storeBytes(of: isDated ? number.littleEndian : number.bigEndian, as: UInt16.self)
    }

    /// Whether a handshake that is genuine may be taken, in the modes that date them.
    ///
    /// - Parameters:
    ///   - time: Unix time in seconds.
    ///   - tag: of its encryption, sixteen bytes.
    static func check(
        dated time: Int64, tag: UnsafeRawPointer, at now: Moment, _ replays: ReplayGuard
    ) -> DropReason? {
        // The latest that it can mean, so that who calls in the second of our start is heard.
        let (milliseconds, overflow) = time.multipliedReportingOverflow(by: 1000)
        let (latest, overflowToo) = milliseconds.addingReportingOverflow(999)
        guard !overflow, !overflowToo else { return .disguiseWrongTime }
        let token = tag.loadUnaligned(as: UInt64.self)
        switch replays.accept(token, dated: latest, now: now.wall, within: window) {
        case .accepted: return nil
        case .replayed: return .disguiseReplayed
        case .wrongTime: return .disguiseWrongTime
        case .beforeStart: return .disguiseBeforeStart
        }
    }
}

extension UnsafeMutableRawBufferPointer {
    /// The bytes from `start` on, `count` of them, which are there.
    func part(_ start: Int, _ count: Int) -> UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(rebasing: self[start..<start + count])
    }
}

extension UnsafeRawBufferPointer {
    /// The bytes from `start` on, `count` of them, which are there.
    func part(_ start: Int, _ count: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: self[start..<start + count])
    }
}
