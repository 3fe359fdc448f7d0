import TestKit
import Testing
import Wire

@testable import Tunnel

/// A handshake with fixed keys and everything that follows from it, checked against an independent implementation.
///
/// Byte strings are hexadecimal. The values that all vectors have in common are static.
struct HandshakeVector: Sendable, CustomTestStringConvertible {
    let presharedKey: String
    let initiation: String
    let response: String
    let initiatorSendingKey: String
    let responderSendingKey: String
    /// Names begin with h for the running hash, ck for the chaining key, k for keys and dh for shared secrets.
    let trace: [(name: String, value: String)]
    let data: [Data]
    /// What a responder under load answers to the initiation.
    let cookieReply: String
    let initiationWithMAC2: String

    struct Data: Sendable {
        let isFromInitiator: Bool
        let counter: UInt64
        let mtu: Int
        let packet: Packet
        let message: String
    }

    enum Packet: Sendable {
        case keepalive
        case request
        case reply
        case long

        var bytes: [UInt8] {
            switch self {
            case .keepalive: []
            case .request: hex("4500005400010000400166940a0900020a0900010800eab312340001") + Self.alphabet
            case .reply: hex("4500005400010000400166940a0900010a0900020000f2b312340001") + Self.alphabet
            case .long:
                hex("4500051100010000400161d70a0900020a0900010800187712340001") + [UInt8](repeating: 0x7a, count: 1269)
            }
        }

        private static var alphabet: [UInt8] { (0..<56).map { UInt8(ascii: "a") + UInt8($0 % 8) } }
    }

    var testDescription: String { presharedKey.allSatisfy { $0 == "0" } ? "no preshared key" : "preshared key" }

    static let initiatorPrivate = secret("0002030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f60")
    static let initiatorPublic = key("07a37cbc142093c8b755dc1b10e86cb426374ad16aa853ed0bdfc0b2b86d1c7c")
    static let responderPrivate = secret("2022232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f40")
    static let responderPublic = key("5869aff450549732cbaaed5e5df9b30a6da31cb0e5742bad5ad4a1a768f1a67b")
    static let initiatorEphemeral = "4042434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f60"
    static let initiatorEphemeralPublic = key("64b101b1d0be5a8704bd078f9895001fc03e8e9f9522f188dd128d9846d48466")
    static let responderEphemeral = "6062636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f40"
    static let responderEphemeralPublic = key("244fe3b963e899dd295baffce248d3530f3a9a7479ba063002680ebfe7adad49")
    /// In wire order: 439041101 and 1584361601.
    static let initiatorIndex = "4d3c2b1a"
    static let responderIndex = "81706f5e"
    static let timestamp = "400000006553f10a07000000"
    static let time = WallTime(seconds: 1_700_000_000, nanoseconds: 0x0712_3456)
    static let mac1KeyForResponder = "5c5cbbfd0c782a2539047315dc2b629f825570bc6a8686d245dd060463b85e1b"
    static let mac1KeyForInitiator = "6d0855ea6225516c9993e0bc4312a1703292766b0578e0ad25b2f9e05a1f0c57"
    static let cookieKeyForResponder = "17728e626505a9a7054fda9a980a5209fb72714de5d9e476848ec7214cc83713"
    static let cookieSecret = "a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf"
    static let cookieNonce = "c0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7"
    static let initiatorEndpoint = endpoint("192.0.2.7", 51820)
    static let cookie = "db31bfd65ec563b44de17a7d7dcf45bd"
    static let initiatorEndpoint6 = endpoint("2001:db8::7", 51820)
    static let cookie6 = "32f821b6d90d2ff743aca7fe46f32146"
    static let responderEndpoint = endpoint("192.0.2.1", 51821)

    static let all = [withoutPresharedKey, withPresharedKey]
}
