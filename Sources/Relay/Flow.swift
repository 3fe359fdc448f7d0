import LinuxNet
import Obfuscation
import Tunnel
import Wire

/// One client of a relay: the address that it calls from, and a socket of its own to the endpoint, by which answers find back.
final class Flow {
    let client: Endpoint
    /// The socket that the client calls.
    let listener: UDPSocket
    /// The address that the client calls, from which it is answered.
    var local: SourceAddress?
    /// Where the endpoint's answers come to.
    let socket: UDPSocket

    /// What takes the endpoint's disguise off.
    var endpointCodec: any InboundCodec
    let endpointDisguise: any Disguise
    /// Nil until it is known which client it is, where that makes a difference.
    var clientDisguise: (any Disguise)?
    /// Changes what MACs cover; nil while the receiver's key isn't known.
    var macsToEndpoint: RelayedMACs?
    var macsToClient: RelayedMACs?
    var clientKey: PublicKey?

    /// Indices of the endpoint's sessions, under which it receives, and of the client's.
    var endpointIndices = SessionIndices()
    var clientIndices = SessionIndices()

    /// When something passed in either direction.
    var lastUsed: Instant
    /// Whether the endpoint ever answered.
    var isAnswered = false
    /// When the first handshake was sent that the endpoint hasn't answered.
    var unansweredSince: Instant?

    // The neighbours in a `FlowList`. Safe: a flow leaves its list before the table lets it go.
    unowned(unsafe) var before: Flow?
    unowned(unsafe) var after: Flow?

    init(
        client: Endpoint, listener: UDPSocket, local: SourceAddress?, socket: UDPSocket,
        endpointCodec: any InboundCodec,
        endpointDisguise: any Disguise, now: Instant
    ) {
        self.client = client
        self.listener = listener
        self.local = local
        self.socket = socket
        self.endpointCodec = endpointCodec
        self.endpointDisguise = endpointDisguise
        lastUsed = now
    }
}

/// The newest few indices that one party receives under. A party has three sessions at most and one handshake that is under way.
struct SessionIndices {
    private var indices = SIMD8<UInt32>()
    private var count = 0

    func contains(_ index: UInt32) -> Bool {
        // Lanes that hold nothing are beyond the count.
        for lane in 0..<min(count, SIMD8<UInt32>.scalarCount) where indices[lane] == index { return true }
        return false
    }

    /// Remembers an index; returns the one that is forgotten for it.
    mutating func insert(_ index: UInt32) -> UInt32? {
        guard !contains(index) else { return nil }
        let lane = count % SIMD8<UInt32>.scalarCount
        let forgotten = count >= SIMD8<UInt32>.scalarCount ? indices[lane] : nil
        indices[lane] = index
        // Safe: wrapping after 2^62 would take longer than any program runs; the lane stays in range nevertheless.
        count = count == .max ? SIMD8<UInt32>.scalarCount : count + 1
        return forgotten
    }

    /// All of them.
    var all: [UInt32] { (0..<min(count, SIMD8<UInt32>.scalarCount)).map { indices[$0] } }
}
