import Wire

/// What two endpoints say to each other over UDP or TCP.
final class Flow {
    let transport: Segment.Transport
    private(set) var client: Endpoint
    private(set) var server: Endpoint
    private(set) var packets = 0
    /// Of payload, on the wire.
    private(set) var bytes = 0
    let firstTime: Int64
    private(set) var lastTime: Int64
    private(set) var packetsOf: [Side: Int] = [:]

    /// UDP's.
    private(set) var signatures = SignatureRules()
    private(set) var heads: [Side: HeadSample] = [.client: HeadSample(), .server: HeadSample()]
    private(set) var sizes = SizeCounts()
    private(set) var bits = BitCounts()
    private(set) var streaming = StreamingDisguises()
    /// The client's last datagram before the server's first one, and that: a handshake, if the protocol has one.
    private(set) var opening: (client: Int, server: Int)?
    private var lastClientSize: Int?
    private static let longestFirst = 2048

    /// The first bytes that the client sent: a datagram, or TCP data.
    private(set) var clientsFirst: Octets?
    /// TCP's.
    private(set) var handshake: [Side: Segment.TCP] = [:]

    init(_ segment: Segment) {
        transport = segment.transport
        // A connection may be seen from its second packet on.
        let isAnswer = segment.tcp.map { $0.isSYN && $0.isACK } ?? false
        client = isAnswer ? segment.destination : segment.source
        server = isAnswer ? segment.source : segment.destination
        firstTime = segment.time
        lastTime = segment.time
    }

    var seconds: Double { Double(max(lastTime - firstTime, 0)) / 1e9 }

    /// Returns how many heads were added to the sample.
    func see(_ segment: Segment, hasRoom: Bool) -> Int {
        let side: Side = segment.source == client ? .client : .server
        packets += 1
        bytes += segment.payloadLength
        lastTime = max(lastTime, segment.time)
        packetsOf[side, default: 0] += 1
        if let tcp = segment.tcp {
            if tcp.isSYN, handshake[side] == nil { handshake[side] = tcp }
            if side == .client { keepFirst(segment) }
            return 0
        }
        let datagram = FlowDatagram(
            side: side, time: segment.time, length: segment.payloadLength, head: segment.payload)
        signatures.see(datagram)
        sizes.see(datagram)
        bits.see(datagram.head)
        streaming.see(datagram)
        if side == .client {
            keepFirst(segment)
            lastClientSize = datagram.length
        } else if opening == nil, let lastClientSize {
            opening = (lastClientSize, datagram.length)
        }
        return heads[side]?.see(datagram, hasRoom: hasRoom) == true ? 1 : 0
    }

    private func keepFirst(_ segment: Segment) {
        guard clientsFirst == nil, !segment.payload.isEmpty else { return }
        clientsFirst = Octets(segment.payload.prefix(Self.longestFirst).bytes)
    }
}

/// Which flow a packet belongs to, whichever way it goes.
struct FlowKey: Hashable {
    private let transport: Segment.Transport
    private let lower: Endpoint
    private let higher: Endpoint

    init(_ segment: Segment) {
        transport = segment.transport
        let isOrdered = Self.precedes(segment.source, segment.destination)
        lower = isOrdered ? segment.source : segment.destination
        higher = isOrdered ? segment.destination : segment.source
    }

    private static func precedes(_ first: Endpoint, _ second: Endpoint) -> Bool {
        number(first) != number(second) ? number(first) < number(second) : first.port < second.port
    }

    private static func number(_ endpoint: Endpoint) -> UInt128 {
        switch endpoint.address {
        case .v4(let address): UInt128(address.value)
        case .v6(let address): UInt128(address.high) << 64 | UInt128(address.low)
        }
    }
}
