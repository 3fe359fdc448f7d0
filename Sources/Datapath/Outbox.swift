import Glibc
import LinuxNet
import NoisePrimitives
import Tunnel
import Wire

/// Sealed datagrams of one lane, laid end to end so that equal ones leave in one segmented send.
///
/// The memory is cut as it is used: the caller says with ``head(for:with:trafficClass:isSegmentable:now:)`` which way
/// datagrams go, seals one after another at ``slot`` and commits each. One joins the message before it if that goes the
/// same way and its datagrams are as long. What is in it leaves with ``flush(on:drops:now:)``. A message that goes in a disguise gets
/// it when it can't grow any more, all of its datagrams at once.
struct Outbox: ~Copyable {
    /// Bytes of datagrams that it holds.
    static let capacity = 256 << 10

    private let memory: UnsafeMutableRawPointer
    private var used = 0
    /// Which way the open message goes; none after a flush, so that no session is kept without need.
    private var way: Way?
    private var open: OpenMessage?
    /// Datagrams and bytes that a message may have on the way.
    private var maximumSegments = 1
    private var maximumLength = 0
    private var v4 = Messages()
    private var v6 = Messages()
    private var random: KeystreamGenerator
    /// Datagrams in disguise that have gone the open message's way since the last flush.
    private var position = 0
    /// Random, for the layout of what goes in a disguise: the same as long as the way is.
    private(set) var draw: UInt64 = 0

    /// What all datagrams of a message have in common.
    private struct Way {
        let peer: Peer
        let grant: SendGrant
        let trafficClass: UInt8

        func isSame(_ peer: Peer, _ grant: SendGrant, _ trafficClass: UInt8) -> Bool {
            self.peer === peer && self.grant.keypair === grant.keypair && self.trafficClass == trafficClass
                && self.grant.endpoint == grant.endpoint && self.grant.source == grant.source
                && self.grant.disguise === grant.disguise
        }
    }

    /// A message that may still grow.
    private struct OpenMessage {
        let start: Int
        var length: Int
        let segmentSize: Int
        var segments = 1
        /// Datagrams that it may have.
        let maximumSegments: Int
        /// Bytes that it may have.
        let maximumLength: Int
        /// Bytes before each ciphertext in a disguise; 0 without one.
        let prefix: Int
        /// Whether its last datagram was shorter, after which none may follow.
        var isClosed = false
        var carriesData: Bool

        /// Takes the datagram that follows in memory; false when it needs its own message.
        mutating func extend(by length: Int, prefix: Int) -> Bool {
            guard !isClosed, length <= segmentSize, segments < maximumSegments, self.length + length <= maximumLength,
                prefix == self.prefix
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

        mutating func append(_ message: OpenMessage, _ way: Way, at start: UnsafeMutableRawPointer) {
            let index = batch.count
            let isAppended = batch.append(
                UnsafeRawBufferPointer(start: start, count: message.length),
                segmentSize: message.segments > 1 ? message.segmentSize : 0, to: way.grant.endpoint,
                from: way.grant.source, tos: way.trafficClass)
            // hasRoom(for:) was true before the datagram came, and counts the message that is open.
            precondition(isAppended)
            peers[index] = (way.peer, way.grant.source)
        }
    }

    /// - Parameter seed: of what disguises draw.
    init(seed: Secret32) {
        random = KeystreamGenerator(seed: seed)
        memory = .allocate(byteCount: Self.capacity, alignment: 64)
    }

    deinit {
        memory.deallocate()
    }

    /// Bytes that wait.
    var count: Int { used }

    /// Where the next datagram begins.
    var slot: UnsafeMutableRawPointer { memory + used }

    /// Whether a datagram of `length` bytes has room, also if it begins a message of its own.
    func hasRoom(for length: Int) -> Bool {
        let messages = max(v4.batch.count, v6.batch.count) + (open == nil ? 1 : 2)
        return used + length <= Self.capacity && messages <= v4.batch.capacity
    }

    /// Says which way the datagrams from now on go, up to the next flush.
    mutating func head(
        for peer: Peer, with grant: SendGrant, trafficClass: UInt8, isSegmentable: Bool, now: Instant
    ) {
        maximumSegments = isSegmentable ? UDPSocket.maximumSegments : 1
        if let way, way.isSame(peer, grant, trafficClass) { return }
        close(now: now)
        maximumLength = UDPSocket.maximumPayload(AddressFamily(of: grant.endpoint.address))
        way = Way(peer: peer, grant: grant, trafficClass: trafficClass)
        position = 0
        if grant.disguise != nil { draw = random.next() }
    }

    /// Takes the datagram of `length` bytes that was sealed at ``slot``.
    ///
    /// - Parameter prefix: bytes before its ciphertext in a disguise; 0 without one.
    @inline(__always)
    mutating func commit(length: Int, prefix: Int = 0, now: Instant) {
        if open?.extend(by: length, prefix: prefix) ?? false {
            used += length
            return
        }
        close(now: now)
        open = OpenMessage(
            start: used, length: length, segmentSize: length, maximumSegments: maximumSegments,
            maximumLength: maximumLength, prefix: prefix, carriesData: length > Message.Data.overhead)
        used += length
    }

    /// Sends everything. Unless it `waitsForRoom`, what a full socket has no room for is dropped.
    mutating func flush(on sockets: UDPSocketPair?, waitsForRoom: Bool = true, drops: DropCounters, now: Instant) {
        close(now: now)
        way = nil
        Self.send(&v4, on: sockets?.v4, waitsForRoom: waitsForRoom, drops: drops, now: now)
        Self.send(&v6, on: sockets?.v6, waitsForRoom: waitsForRoom, drops: drops, now: now)
        used = 0
    }

    private mutating func close(now: Instant) {
        guard let message = open, let way else { return }
        open = nil
        if let disguise = way.grant.disguise {
            disguise.conceal(
                DataRun(
                    start: memory + message.start, length: message.length, stride: message.segmentSize,
                    prefix: message.prefix, position: position),
                random: &random)
            position += message.segments
        }
        way.peer.sent(message.carriesData ? .data : .keepalive, bytes: message.length, on: way.grant.keypair, at: now)
        if way.grant.endpoint.address.isIPv6 {
            v6.append(message, way, at: memory + message.start)
        } else {
            v4.append(message, way, at: memory + message.start)
        }
    }

    private static func send(
        _ messages: inout Messages, on socket: UDPSocket?, waitsForRoom: Bool, drops: DropCounters,
        now: Instant
    ) {
        let count = messages.batch.count
        guard count > 0 else { return }
        if let socket {
            messages.batch.waitsForRoom = waitsForRoom
            let report = messages.batch.send(on: socket)
            if report.dropped > 0 { drops.countUnsent(report.dropped, code: report.error, at: now) }
            if report.refusedSources != 0 {
                for index in 0..<count where report.refusedSources & 1 << UInt64(index) != 0 {
                    if let (peer, source) = messages.peers[index], let source { peer.forgetSource(source) }
                }
            }
        } else {
            drops.countUnsent(messages.batch.discard(), code: EAFNOSUPPORT, at: now)
        }
        messages.peers.update(repeating: nil, count: count)
    }
}
