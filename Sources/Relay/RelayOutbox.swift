import LinuxNet
import NoisePrimitives
import Obfuscation
import Tunnel
import Wire

/// Datagrams on their way out of one socket, laid end to end so that equal ones leave in one segmented send.
struct RelayOutbox: ~Copyable {
    /// Bytes of datagrams that it holds.
    static let capacity = 256 << 10

    /// Where datagrams go and how they look on the way.
    struct Way {
        let endpoint: Endpoint
        /// The address to send from; nil leaves that to the routing table.
        let source: SourceAddress?
        let disguise: any Disguise
    }

    /// What was sent since the last look.
    struct Tally {
        var datagrams = 0
        var bytes = 0
        /// Datagrams that couldn't be sent, and why the last of them.
        var failed = 0
        var error: Int32 = 0
        /// Messages that the disguise has no form for.
        var impossible = 0
    }

    private let memory: UnsafeMutableRawPointer
    private var used = 0
    private var batch = SendBatch()
    private var random: KeystreamGenerator
    private var draw: UInt64
    private var socket: UDPSocket?
    private var way: Way?
    private var open: OpenRun?
    /// Data messages that went this way since the last send.
    private var position = 0
    private var layout: (content: Int, layout: DataLayout)?
    private(set) var tally = Tally()

    /// Data messages of equal length that may still grow.
    private struct OpenRun {
        let start: Int
        let stride: Int
        let prefix: Int
        var length: Int
        var segments = 1
        /// Whether its last datagram was shorter, after which none may follow.
        var isClosed = false

        mutating func extend(by layout: DataLayout, limit: Int) -> Bool {
            let total = layout.total
            guard !isClosed, total <= stride, layout.prefix == prefix, segments < UDPSocket.maximumSegments,
                length + total <= limit
            else { return false }
            length += total
            segments += 1
            isClosed = total < stride
            return true
        }
    }

    init(random source: any RandomSource) {
        memory = .allocate(byteCount: Self.capacity, alignment: 64)
        random = KeystreamGenerator(seededBy: source)
        draw = random.next()
    }

    deinit {
        memory.deallocate()
    }

    /// Says where datagrams from now on go.
    mutating func head(_ next: Way, on socket: UDPSocket) {
        if let way, self.socket === socket, way.endpoint == next.endpoint, way.disguise === next.disguise,
            way.source == next.source
        {
            return
        }
        if self.socket === socket { close() } else { flush() }
        self.socket = socket
        way = next
        layout = nil
        position = 0
    }

    /// Takes data messages that the other disguise was taken off, for the session `receiver`.
    mutating func add(_ messages: UnsafePointer<DataMessage>, count: Int, receiver: UInt32) {
        guard let way, let family = socket?.family else { return }
        let form = way.disguise.headerForm
        let limit = UDPSocket.maximumPayload(family)
        for index in 0..<count {
            let message = messages[index]
            guard let layout = layout(of: message, form, limit: limit) else {
                tally.impossible += 1
                continue
            }
            if !hasRoom(for: layout.total) { flush(keepingWay: true) }
            let body = memory + used + layout.prefix
            body.copyMemory(from: message.body, byteCount: message.length)
            DataHeader.store(form, receiver: receiver, counter: message.counter, suffix: layout.suffix, before: body)
            if !(open?.extend(by: layout, limit: limit) ?? false) {
                close()
                open = OpenRun(start: used, stride: layout.total, prefix: layout.prefix, length: layout.total)
            }
            used += layout.total
        }
    }

    /// Takes an initiation, response or cookie reply, and before an initiation what goes before it.
    mutating func add(handshake: UnsafeRawBufferPointer, at now: Moment) {
        guard let way else { return }
        close()
        if handshake.count == Message.Initiation.size {
            for datagram in way.disguise.prelude(at: now, random: &random) {
                datagram.withUnsafeBytes { add(whole: $0) }
            }
        }
        if !hasRoom(for: DisguiseLimits.datagram) { flush(keepingWay: true) }
        let room = UnsafeMutableRawBufferPointer(start: memory + used, count: DisguiseLimits.datagram)
        let count = way.disguise.encode(handshake, into: room, at: now, random: &random)
        guard count > 0, count <= room.count else {
            tally.impossible += 1
            return
        }
        append(start: used, length: count, segmentSize: 0)
        used += count
    }

    /// Takes a datagram that is sent as it is.
    mutating func add(whole datagram: UnsafeRawBufferPointer) {
        guard way != nil, let family = socket?.family, !datagram.isEmpty,
            datagram.count <= UDPSocket.maximumPayload(family)
        else { return }
        close()
        if !hasRoom(for: datagram.count) { flush(keepingWay: true) }
        // Safe: there is room for it now, since no datagram is as large as the memory.
        UnsafeMutableRawBufferPointer(start: memory + used, count: datagram.count).copyMemory(from: datagram)
        append(start: used, length: datagram.count, segmentSize: 0)
        used += datagram.count
    }

    /// Sends everything.
    mutating func flush() {
        flush(keepingWay: false)
    }

    mutating func takeTally() -> Tally {
        defer { tally = Tally() }
        return tally
    }

    // MARK: -

    private mutating func layout(of message: DataMessage, _ form: DataHeader.Form, limit: Int) -> DataLayout? {
        let content = message.length - Message.tagSize
        guard content >= 0, form == .whole || message.counter <= UInt64(UInt32.max), let way else { return nil }
        if let layout, layout.content == content { return layout.layout }
        let found = way.disguise.layout(ofSealed: content, draw: draw)
        guard found.content == content, found.prefix >= form.size, found.suffix >= 0, found.total <= limit else {
            return nil
        }
        layout = (content, found)
        return found
    }

    /// Whether a datagram has room, also if it begins a message of its own.
    private func hasRoom(for length: Int) -> Bool {
        used + length <= Self.capacity && batch.count + (open == nil ? 1 : 2) <= batch.capacity
    }

    private mutating func close() {
        guard let run = open, let way else { return }
        open = nil
        way.disguise.conceal(
            DataRun(
                start: memory + run.start, length: run.length, stride: run.stride, prefix: run.prefix,
                position: position),
            random: &random)
        position += run.segments
        append(start: run.start, length: run.length, segmentSize: run.segments > 1 ? run.stride : 0)
    }

    private mutating func append(start: Int, length: Int, segmentSize: Int) {
        guard let way else { return }
        let isAppended = batch.append(
            UnsafeRawBufferPointer(start: memory + start, count: length), segmentSize: segmentSize, to: way.endpoint,
            from: way.source)
        // hasRoom(for:) was true before the datagram came, and counts the run that is open.
        precondition(isAppended)
        tally.bytes += length
    }

    private mutating func flush(keepingWay: Bool) {
        close()
        if batch.count > 0, let socket {
            let report = batch.send(on: socket)
            tally.datagrams += report.sent
            tally.failed += report.dropped
            if report.dropped > 0 { tally.error = report.error }
        }
        used = 0
        position = 0
        draw = random.next()
        layout = nil
        guard !keepingWay else { return }
        way = nil
        socket = nil
    }
}
