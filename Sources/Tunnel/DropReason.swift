import Synchronization
package import Wire

/// Why a packet or datagram was dropped. Every drop is counted under one of these.
package enum DropReason: Int, CaseIterable, Sendable {
    // Datagrams that came from the network.
    case notWireGuard
    case truncatedDatagram
    case wrongMAC1
    case handshakeQueueFull
    case cookieRequired
    case rateLimited
    case noPrivateKey
    case initiationUndecryptable
    case initiationFromUnknownKey
    case initiationReplayed
    case initiationTooSoon
    case lowOrderKey
    case responseUnexpected
    case responseUndecryptable
    case cookieReplyUnexpected
    case cookieReplyUndecryptable
    case unknownSession
    case sessionExpired
    case undecryptable
    case replayed
    case innerPacketMalformed
    case sourceNotAllowed
    // Datagrams that came in a disguise.
    case wrongDialect
    case disguiseReplayed
    case disguiseWrongTime
    case disguiseBeforeStart
    // Datagrams at a relay.
    case tooManyFlows
    case notFromEndpoint
    // Packets that came from this machine.
    case outboundMalformed
    case superPacketMalformed
    case noPeerForDestination
    case noEndpoint
    case stagedOverflow
    case handshakeGivenUp
    case sendFailed
    case disguiseImpossible
    // Packets on their way to this machine.
    case interfaceWriteFailed
    // Any of them.
    case interfaceDown
    case peerSuspended

    /// A stable name for counters and metrics.
    package var name: String {
        switch self {
        case .notWireGuard: "not-wireguard"
        case .truncatedDatagram: "truncated-datagram"
        case .wrongMAC1: "wrong-mac1"
        case .handshakeQueueFull: "handshake-queue-full"
        case .cookieRequired: "cookie-required"
        case .rateLimited: "rate-limited"
        case .noPrivateKey: "no-private-key"
        case .initiationUndecryptable: "initiation-undecryptable"
        case .initiationFromUnknownKey: "initiation-from-unknown-key"
        case .initiationReplayed: "initiation-replayed"
        case .initiationTooSoon: "initiation-too-soon"
        case .lowOrderKey: "low-order-key"
        case .responseUnexpected: "response-unexpected"
        case .responseUndecryptable: "response-undecryptable"
        case .cookieReplyUnexpected: "cookie-reply-unexpected"
        case .cookieReplyUndecryptable: "cookie-reply-undecryptable"
        case .unknownSession: "unknown-session"
        case .sessionExpired: "session-expired"
        case .undecryptable: "undecryptable"
        case .replayed: "replayed"
        case .innerPacketMalformed: "inner-packet-malformed"
        case .sourceNotAllowed: "source-not-allowed"
        case .wrongDialect: "wrong-dialect"
        case .disguiseReplayed: "disguise-replayed"
        case .disguiseWrongTime: "disguise-wrong-time"
        case .disguiseBeforeStart: "disguise-before-start"
        case .tooManyFlows: "too-many-flows"
        case .notFromEndpoint: "not-from-endpoint"
        case .outboundMalformed: "outbound-malformed"
        case .superPacketMalformed: "super-packet-malformed"
        case .noPeerForDestination: "no-peer-for-destination"
        case .noEndpoint: "no-endpoint"
        case .stagedOverflow: "staged-overflow"
        case .handshakeGivenUp: "handshake-given-up"
        case .sendFailed: "send-failed"
        case .disguiseImpossible: "disguise-impossible"
        case .interfaceWriteFailed: "interface-write-failed"
        case .interfaceDown: "interface-down"
        case .peerSuspended: "peer-suspended"
        }
    }
}

/// A counter for each ``DropReason``, added to by any thread.
package final class DropCounters: Sendable {
    // Safe to share: the cells are only touched through atomic operations and live as long as this object.
    nonisolated(unsafe) private let cells: UnsafeMutablePointer<Atomic<UInt64>>
    private let details = Mutex(Details())

    private struct Details {
        var sendFailure: (code: Int32, at: Instant)?
        var unroutable: (destination: IPAddress, at: Instant)?
    }

    package init() {
        cells = .allocate(capacity: DropReason.allCases.count)
        for index in 0..<DropReason.allCases.count {
            (cells + index).initialize(to: Atomic(0))
        }
    }

    deinit {
        cells.deinitialize(count: DropReason.allCases.count)
        cells.deallocate()
    }

    /// Adds `packets` to a counter.
    package func count(_ reason: DropReason, _ packets: Int = 1) {
        cells[reason.rawValue].wrappingAdd(UInt64(packets), ordering: .relaxed)
    }

    /// Counts datagrams that couldn't be sent.
    ///
    /// - Parameter code: an `errno` value.
    package func countUnsent(_ packets: Int, code: Int32, at now: Instant) {
        count(.sendFailed, packets)
        details.withLock { $0.sendFailure = (code, now) }
    }

    /// Counts packets that no peer's allowed IPs hold.
    package func countUnroutable(_ packets: Int, to destination: IPAddress, at now: Instant) {
        count(.noPeerForDestination, packets)
        // Every interface is sent some of these by the kernel.
        guard !destination.isForMany else { return }
        details.withLock { $0.unroutable = (destination, now) }
    }

    /// The last send that failed, with an `errno` value.
    package var lastSendFailure: (code: Int32, at: Instant)? { details.withLock { $0.sendFailure } }

    /// The last address that no peer's allowed IPs hold; none that stands for many machines.
    package var lastUnroutable: (destination: IPAddress, at: Instant)? { details.withLock { $0.unroutable } }

    /// How many were dropped for `reason`.
    package subscript(_ reason: DropReason) -> UInt64 {
        cells[reason.rawValue].load(ordering: .relaxed)
    }
}
