/// Thirty-two secret bytes on the heap, overwritten with zeros when the last reference goes.
///
/// Copies of this value share the storage, so a secret exists once however often it is passed on. It has no
/// description: printing one shows `Secret32(hidden)`.
package struct Secret32: Sendable, CustomStringConvertible, CustomReflectable {
    private let storage: Storage

    /// All zeros, which everywhere in WireGuard means "none".
    package static let zero = Secret32(Bytes32())

    /// Takes a copy of `bytes`. The caller overwrites its own.
    package init(_ bytes: Bytes32) {
        storage = Storage(bytes)
    }

    /// Fills a new secret through `body`.
    package init(filling body: (UnsafeMutableRawBufferPointer) -> Void) {
        storage = Storage(Bytes32())
        body(UnsafeMutableRawBufferPointer(start: storage.bytes, count: Bytes32.count))
    }

    /// Whether every byte is zero; takes the same time for every value.
    package var isZero: Bool { bytes.isZero }

    /// A copy of the bytes, for a computation or for the configuration socket.
    package var bytes: Bytes32 { storage.bytes.pointee }

    package func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
        body(UnsafeRawBufferPointer(start: storage.bytes, count: Bytes32.count))
    }

    /// Whether both hold the same bytes; takes the same time for every value.
    package func equals(_ other: Secret32) -> Bool {
        bytes == other.bytes
    }

    package var description: String { "Secret32(hidden)" }
    package var customMirror: Mirror { Mirror(self, children: []) }

    // Safe to share: the bytes are written before the initialiser returns and never again until deinit.
    private final class Storage: @unchecked Sendable {
        let bytes: UnsafeMutablePointer<Bytes32>

        init(_ value: Bytes32) {
            bytes = .allocate(capacity: 1)
            bytes.initialize(to: value)
        }

        deinit {
            zeroize(bytes, count: Bytes32.count)
            bytes.deallocate()
        }
    }
}

/// Overwrites `count` bytes at `pointer` with zeros in a way that the optimiser keeps: it doesn't look into this
/// function, so it can't know that nobody reads the bytes afterwards.
@inline(never)
@_optimize(none)
package func zeroize(_ pointer: UnsafeMutableRawPointer, count: Int) {
    fillWithZeros(pointer, count: count)
}

@inline(never)
private func fillWithZeros(_ pointer: UnsafeMutableRawPointer, count: Int) {
    pointer.initializeMemory(as: UInt8.self, repeating: 0, count: count)
}
