import LinuxNet
import Tunnel
import Wire

/// Sealed datagrams of one lane, laid end to end so that equal ones leave in one segmented send.
///
/// The memory is cut as it is used: the caller seals a datagram at ``slot`` and commits it, and it joins the message
/// before it if that goes the same way and its datagrams are as long. What is in it leaves with ``flush(on:drops:)``.
struct Outbox: ~Copyable {
    /// Bytes of datagrams that it holds.
    static let capacity = 256 << 10

    private let memory: UnsafeMutableRawPointer
    private var used = 0
    private var open: OpenMessage?
    private var v4 = Messages()
    private var v6 = Messages()

    /// A message that may still grow.
    private struct OpenMessage {
        let start: Int
        var length: Int
        let segmentSize: Int
        var segments: Int
        /// Whether its last datagram was shorter, after which none may follow.
        var isClosed: Bool
        let peer: Peer
        let grant: SendGrant
        let trafficClass: UInt8
        var carriesData: Bool

        /// Takes the datagram that follows in memory if it goes the same way; false when it needs its own message.
        mutating func extend(
            by length: Int, to peer: Peer, with grant: SendGrant, trafficClass: UInt8
        ) -> Bool {
            guard !isClosed, self.peer === peer, self.grant.keypair === grant.keypair,
                self.grant.endpoint == grant.endpoint, self.grant.source == grant.source,
                self.trafficClass == trafficClass, length <= segmentSize, segments < UDPSocket.maximumSegments,
                self.length + length <= UDPSocket.maximumPayload(AddressFamily(of: grant.endpoint.address))
            else { return false }
            self.length += length
            segments += 1
            isClosed = length < segmentSize
            if length > Message.Data.overhead { carriesData = true }
            return true
        }
    }

    /// Messages of one address family with their peers, in the same order.
    private struct Messages: ~Copyable {
        var batch = SendBatch()
        let peers: UnsafeMutablePointer<(Peer, SourceAddress?)?>

        init() {
            peers = .allocate(capacity: 64)
            peers.initialize(repeating: nil, count: 64)
        }

        deinit {
            peers.deinitialize(count: 64)
            peers.deallocate()
        }

        mutating func append(_ message: OpenMessage, at start: UnsafeMutableRawPointer) {
            let index = batch.count
            let isAppended = batch.append(
                UnsafeRawBufferPointer(start: start, count: message.length),
                segmentSize: message.segments > 1 ? message.segmentSize : 0, to: message.grant.endpoint,
                from: message.grant.source, tos: message.trafficClass)
            // hasRoom(for:) was true before the datagram came, so there is a place.
            if isAppended { peers[index] = (message.peer, message.grant.source) }
        }
    }

    init() {
        memory = .allocate(byteCount: Self.capacity, alignment: 64)
    }

    deinit {
        memory.deallocate()
    }

    /// Bytes that wait.
    var count: Int { used }

    /// Where the next datagram begins.
    var slot: UnsafeMutableRawPointer { memory + used }

    /// Whether a datagram of `length` bytes has room.
    func hasRoom(for length: Int) -> Bool {
        used + length <= Self.capacity && v4.batch.count < v4.batch.capacity && v6.batch.count < v6.batch.capacity
    }

    /// Takes the datagram of `length` bytes that was sealed at ``slot``.
    mutating func commit(
        length: Int, to peer: Peer, with grant: SendGrant, trafficClass: UInt8, isSegmentable: Bool, now: Instant
    ) {
        if isSegmentable, open?.extend(by: length, to: peer, with: grant, trafficClass: trafficClass) ?? false {
            used += length
            return
        }
        close(now: now)
        open = OpenMessage(
            start: used, length: length, segmentSize: length, segments: 1, isClosed: false, peer: peer, grant: grant,
            trafficClass: trafficClass, carriesData: length > Message.Data.overhead)
        used += length
    }

    /// Sends everything.
    mutating func flush(on sockets: UDPSocketPair?, drops: DropCounters, now: Instant) {
        close(now: now)
        Self.send(&v4, on: sockets?.v4, drops: drops)
        Self.send(&v6, on: sockets?.v6, drops: drops)
        used = 0
    }

    private mutating func close(now: Instant) {
        guard let message = open else { return }
        open = nil
        message.peer.sent(
            message.carriesData ? .data : .keepalive, bytes: message.length, on: message.grant.keypair, at: now)
        if message.grant.endpoint.address.isIPv6 {
            v6.append(message, at: memory + message.start)
        } else {
            v4.append(message, at: memory + message.start)
        }
    }

    private static func send(_ messages: inout Messages, on socket: UDPSocket?, drops: DropCounters) {
        let count = messages.batch.count
        guard count > 0 else { return }
        if let socket {
            let report = messages.batch.send(on: socket)
            if report.dropped > 0 { drops.count(.sendFailed, report.dropped) }
            if report.refusedSources != 0 {
                for index in 0..<count where report.refusedSources & 1 << UInt64(index) != 0 {
                    if let (peer, source) = messages.peers[index], let source { peer.forgetSource(source) }
                }
            }
        } else {
            drops.count(.sendFailed, messages.batch.discard())
        }
        messages.peers.update(repeating: nil, count: count)
    }
}
