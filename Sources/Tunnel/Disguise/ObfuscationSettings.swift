import Wire

/// The disguises that there are, by the names that people write.
package enum DialectName: String, CaseIterable, Sendable {
    case plain = "off"
    case veil
    case amneziaWG = "amneziawg"
    case swgp
    case swgpParanoid = "swgp-paranoid"
    case swgp2026 = "swgp-2026"
    case swgpParanoid2026 = "swgp-paranoid-2026"
    case lwo
    case wgObfuscator = "wg-obfuscator"
    case wgObfuscatorSTUN = "wg-obfuscator-stun"
    case xor
    case xorBatch = "xor-batch"
    case warp
}

/// What is said about the disguise of an interface, as its peers' default, or of one peer. What is nil was not said.
package struct ObfuscationSettings: Sendable {
    /// `Obfuscation`.
    package var dialect: DialectName?
    /// `ObfuscationKey`: text or base64, as the dialect has it.
    package var key: ObfuscationKey?
    /// `ObfuscationMTU`: bytes of the largest IP packet on the path, for dialects that fill datagrams up to it.
    package var pathMTU: UInt16?
    /// `Reserved`: three bytes of the `warp` dialect.
    package var reserved: [UInt8]?
    /// AmneziaWG's keys; only for an interface. Nil when none was said.
    package var amneziaWG: AmneziaWGSettings?

    package init() {}

    /// Whether nothing was said.
    package var isUnsaid: Bool {
        dialect == nil && key == nil && pathMTU == nil && reserved == nil && amneziaWG == nil
    }
}

/// A secret that is kept as it was written. Printing it shows that it is hidden.
package struct ObfuscationKey: Sendable, CustomStringConvertible, CustomReflectable {
    private let storage: Storage

    package init(_ text: [UInt8]) {
        storage = Storage(text)
    }

    /// What was written.
    package var bytes: [UInt8] { Array(storage.bytes) }

    package func equals(_ other: Self) -> Bool {
        bytes == other.bytes
    }

    package var description: String { "ObfuscationKey(hidden)" }
    package var customMirror: Mirror { Mirror(self, children: []) }

    // Safe to share: the bytes are written before the initialiser returns and never again until deinit.
    private final class Storage: @unchecked Sendable {
        let bytes: UnsafeMutableRawBufferPointer

        init(_ text: [UInt8]) {
            bytes = .allocate(byteCount: text.count, alignment: 1)
            bytes.copyBytes(from: text)
        }

        deinit {
            if let start = bytes.baseAddress { zeroize(start, count: bytes.count) }
            bytes.deallocate()
        }
    }
}
