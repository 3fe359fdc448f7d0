import Glibc
import LinuxNet
import Obfuscation
import Synchronization
import Tunnel
import Wire

/// The way in: datagrams from one socket are opened, checked, joined and written to the TUN device. One thread runs it.
struct InboundLane: ~Copyable {
    /// Messages taken in one system call; each may hold 64 datagrams.
    private static let batchSize = 16
    /// Datagrams of the tunnel's users from which on their receivers are given a chance to run.
    private static let manyDatagrams = 32
    /// Microseconds.
    private static let failurePause: UInt32 = 1000
    /// The most data messages of the smallest size in one message.
    private static let maximumRun = ReceiveBatch.bufferSize / InboundDisguises.leastDatagram

    private let socket: UDPSocket
    private let device: TunDevice
    private let shared: DeviceShared
    private let handshakes: HandshakeQueue
    private let outbound: OutboundPath
    private let dialects: DialectCell
    private let mismatches: MismatchWatch
    private var dialectVersion: UInt64 = .max
    /// Nil while everything that is spoken looks like WireGuard's own.
    private var disguises: InboundDisguises?
    private var batch: ReceiveBatch
    private var coalescer: Coalescer
    private var routes: RouteCache
    private let opened: UnsafeMutablePointer<Opened>
    private var openedCount = 0
    /// The session that the last message came on. Only for one batch, so that an idle lane keeps no keys.
    private var current: Keypair?
    private var now = Instant(nanoseconds: 0)

    /// A datagram that authenticated.
    private struct Opened {
        /// Where its padded packet is.
        let packet: UnsafeMutableRawPointer
        /// Bytes of that.
        let length: Int
        let counter: UInt64
    }

    init(
        socket: UDPSocket, device: TunDevice, shared: DeviceShared, handshakes: HandshakeQueue, outbound: OutboundPath,
        dialects: DialectCell, mismatches: MismatchWatch
    ) throws(SystemError) {
        self.socket = socket
        self.device = device
        self.shared = shared
        self.handshakes = handshakes
        self.outbound = outbound
        self.dialects = dialects
        self.mismatches = mismatches
        batch = try ReceiveBatch(capacity: Self.batchSize)
        coalescer = Coalescer(
            capacity: 1024, usesVirtioHeader: device.offloads.virtioHeader, mergesTCP: device.offloads.tcp,
            mergesUDP: device.offloads.udp)
        routes = RouteCache(shared.routes)
        opened = .allocate(capacity: Self.maximumRun)
    }

    deinit {
        // Safe: what was stored is trivial.
        opened.deallocate()
    }

    /// Moves datagrams until the socket is interrupted or the device is gone.
    mutating func run() -> LaneEnd {
        while true {
            switch batch.receive(from: socket) {
            case .messages(let count):
                now = Instant(nanoseconds: Clock.bootTime())
                routes.refresh()
                refreshDialects()
                for index in 0..<count {
                    handle(batch[index])
                    // A program's socket holds only some hundred datagrams, so it may read these before more come. TCP's
                    // windows see to that themselves.
                    if coalescer.count >= Self.manyDatagrams, !coalescer.endsInTCP {
                        guard writePackets() else { return .deviceGone }
                        sched_yield()
                    }
                }
                current = nil
                guard coalescer.count > 0 else { continue }
                guard outbound.answering(coalescer.count, { writePackets() }) else { return .deviceGone }
            case .closed:
                return .stopped
            case .failed:
                // An error that an earlier send left on the socket, which reading it has cleared, or a shortage of
                // memory, which may last.
                usleep(Self.failurePause)
            }
        }
    }

    private mutating func refreshDialects() {
        let version = dialects.version.load(ordering: .acquiring)
        guard version != dialectVersion else { return }
        dialectVersion = version
        disguises = dialects.current.map { InboundDisguises($0) }
    }

    private mutating func handle(_ message: ReceivedMessage) {
        guard !message.isTruncated else { return shared.drops.count(.truncatedDatagram) }
        guard !message.bytes.isEmpty else { return shared.drops.count(.notWireGuard) }
        if let disguises { return handle(message, in: disguises) }
        let stride = message.segmentSize > 0 ? message.segmentSize : message.bytes.count
        var offset = 0
        while offset < message.bytes.count {
            let datagram = UnsafeMutableRawBufferPointer(
                rebasing: message.bytes[offset..<min(offset + stride, message.bytes.count)])
            switch Message.kind(of: UnsafeRawBufferPointer(datagram)) {
            case .data:
                offset = handleRun(message, from: offset, stride: stride)
            case .initiation, .response, .cookieReply:
                let isTaken = handshakes.push(
                    UnsafeRawBufferPointer(datagram), from: message.source, via: message.local)
                if !isTaken { shared.drops.count(.handshakeQueueFull) }
                offset += datagram.count
            case nil:
                dropStrange(UnsafeRawBufferPointer(datagram), from: message.source)
                offset += datagram.count
            }
        }
    }

    /// Drops what isn't WireGuard, or hands it to the control thread, which has a closer look at one now and then and counts that.
    private func dropStrange(_ datagram: UnsafeRawBufferPointer, from source: Endpoint) {
        if !mismatches.take(datagram, from: source, at: now) { shared.drops.count(.notWireGuard) }
    }

    /// Handles the data messages of one session that follow each other from `offset` on; returns where they end.
    private mutating func handleRun(_ message: ReceivedMessage, from offset: Int, stride: Int) -> Int {
        // Safe: the caller has seen a whole data message at `offset`.
        let start = message.bytes.baseAddress! + offset
        let end = offset + runLength(start, count: message.bytes.count - offset, stride: stride)
        let datagrams = (end - offset + stride - 1) / stride
        let receiver = UnsafeRawPointer(start).littleEndian32(at: Message.Data.receiver)
        guard let keypair = session(receiver) else {
            shared.drops.count(.unknownSession, datagrams)
            return end
        }
        guard keypair.canReceive(at: now) else {
            shared.drops.count(.sessionExpired, datagrams)
            return end
        }
        open(start, count: end - offset, stride: stride, keypair: keypair)
        if openedCount < datagrams { shared.drops.count(.undecryptable, datagrams - openedCount) }
        dropReplays(keypair)
        deliver(message, keypair: keypair, overhead: Message.Data.overhead)
        return end
    }

    /// The session that receives under `index`, asked for once per batch and session.
    private mutating func session(_ index: UInt32) -> Keypair? {
        if let current, current.localIndex == index { return current }
        current = shared.indices.session(index)
        return current
    }

    /// Bytes of the datagrams that begin as the first one, a data message, does: with the same type and receiver index.
    private func runLength(_ start: UnsafeMutableRawPointer, count: Int, stride: Int) -> Int {
        let beginning = start.loadUnaligned(as: UInt64.self)
        var next = stride
        // Safe: a whole data message is left where the beginning is compared.
        while count &- next >= Message.Data.overhead,
            (start + next).loadUnaligned(as: UInt64.self) == beginning
        {
            next &+= stride
        }
        return min(next, count)
    }

    private mutating func open(_ start: UnsafeMutableRawPointer, count: Int, stride: Int, keypair: Keypair) {
        openedCount = 0
        var position = 0
        while position < count {
            let slot = start + position
            let length = min(stride, count &- position)
            if let counter = keypair.open(slot, length: length) {
                // Safe: a message has at most maximumRun datagrams of that size or more.
                (opened + openedCount).initialize(
                    to: Opened(
                        packet: slot + Message.Data.headerSize, length: length &- Message.Data.overhead,
                        counter: counter))
                openedCount &+= 1
            }
            position &+= stride
        }
    }

    /// Keeps those of the opened datagrams that come for the first time.
    private mutating func dropReplays(_ keypair: Keypair) {
        let all = openedCount
        let opened = self.opened
        openedCount = keypair.withReplayWindow { window in
            var kept = 0
            for index in 0..<all where window.accept(opened[index].counter) {
                if kept < index { opened[kept] = opened[index] }
                kept &+= 1
            }
            return kept
        }
        if openedCount < all { shared.drops.count(.replayed, all - openedCount) }
    }

    /// Hands on what was opened.
    ///
    /// - Parameter overhead: bytes that each datagram had beside its padded packet.
    private mutating func deliver(_ message: ReceivedMessage, keypair: Keypair, overhead: Int) {
        guard openedCount > 0 else { return }
        var bytes = openedCount &* overhead
        var longest = 0
        for index in 0..<openedCount {
            let length = opened[index].length
            bytes &+= length
            longest = max(longest, length)
        }
        let carriesData = longest > 0 && holdsPackets()
        keypair.peer.received(
            carriesData ? .data : .keepalive, bytes: bytes, on: keypair, from: message.source, via: message.local,
            at: now)
        guard carriesData else { return }
        let outer = ECN(trafficClass: message.tos)
        // Whether the packet before was accepted and neither it nor the next one wants a mark.
        var isPlain = false
        for index in 0..<openedCount where opened[index].length > 0 {
            accept(opened[index], from: keypair.peer, outer: outer, &isPlain)
        }
    }

    /// Whether anything that was opened is more than a keepalive, which may be padded with zeros.
    private func holdsPackets() -> Bool {
        func isPacket(_ opened: Opened) -> Bool {
            opened.length > 0 && opened.packet.load(as: UInt8.self) != 0
        }
        // Almost always the first one is.
        return isPacket(opened[0]) || (0..<openedCount).contains { isPacket(opened[$0]) }
    }

    /// Checks one packet and hands it to the coalescer, without its padding.
    private mutating func accept(_ datagram: Opened, from peer: Peer, outer: ECN, _ isPlain: inout Bool) {
        let inner = datagram.packet
        let length = datagram.length
        // What agrees with the headers of a packet that has passed the checks below, from the same peer, passes them too.
        if isPlain, coalescer.extend(by: inner, available: length) { return }
        isPlain = false
        let bytes = UnsafeRawBufferPointer(start: inner, count: length)
        guard let packet = IPPacket(bytes) else {
            if bytes[0] != 0 { shared.drops.count(.innerPacketMalformed) }
            return
        }
        guard routes.isPeer(peer, for: packet.source) else { return shared.drops.count(.sourceNotAllowed) }
        ECN.decapsulate(outer: outer, packet: inner)
        if !coalescer.add(inner, length: packet.length) {
            _ = writePackets()
            _ = coalescer.add(inner, length: packet.length)
        }
        isPlain = outer != .congestion
    }

    // MARK: In disguise

    private mutating func handle(_ message: ReceivedMessage, in disguises: InboundDisguises) {
        let stride = message.segmentSize > 0 ? message.segmentSize : message.bytes.count
        let known = disguises.known(at: message.source)
        var offset = 0
        while offset < message.bytes.count {
            let run = ReceivedRun(
                start: message.bytes.baseAddress! + offset, length: message.bytes.count - offset, stride: stride)
            let first = UnsafeRawBufferPointer(start: run.start, count: min(stride, run.length))
            var isForeign = false
            if let (codec, keypair) = find(first, known, disguises.table, &isForeign) {
                offset += handleRun(message, run, keypair: keypair, codec, disguises)
            } else {
                handleOther(first, of: message, known, isForeign: isForeign, disguises)
                offset += first.count
            }
        }
    }

    /// The session that a datagram may belong to by a codec in whose dialect the peer speaks.
    ///
    /// - Parameter isForeign: set when a session was found, but of a peer that speaks otherwise.
    private mutating func find(
        _ datagram: UnsafeRawBufferPointer, _ known: (any InboundCodec)?, _ table: DialectTable, _ isForeign: inout Bool
    ) -> (codec: any InboundCodec, keypair: Keypair)? {
        if let known, let keypair = session(of: datagram, by: known, &isForeign) { return (known, keypair) }
        for codec in table.codecs where codec !== known {
            if let keypair = session(of: datagram, by: codec, &isForeign) { return (codec, keypair) }
        }
        return nil
    }

    private mutating func session(
        of datagram: UnsafeRawBufferPointer, by codec: any InboundCodec, _ isForeign: inout Bool
    ) -> Keypair? {
        guard let receiver = codec.receiver(of: datagram), let keypair = session(receiver) else { return nil }
        guard keypair.peer.dialect.load(ordering: .relaxed) == codec.dialect else {
            isForeign = true
            return nil
        }
        return keypair
    }

    /// Handles the data messages of a session at the start of a run; returns how many bytes they are.
    private mutating func handleRun(
        _ message: ReceivedMessage, _ run: ReceivedRun, keypair: Keypair, _ codec: any InboundCodec,
        _ disguises: InboundDisguises
    ) -> Int {
        let revealed = disguises.reveal(run, of: keypair.localIndex, in: codec)
        let handled = min(revealed.datagrams &* run.stride, run.length)
        guard keypair.canReceive(at: now) else {
            shared.drops.count(.sessionExpired, revealed.datagrams)
            return handled
        }
        openedCount = 0
        for index in 0..<min(revealed.messages, Self.maximumRun) {
            let found = disguises.messages[index]
            if keypair.open(body: found.body, length: found.length, counter: found.counter) {
                // Safe: the loop ends at maximumRun.
                (opened + openedCount).initialize(
                    to: Opened(
                        packet: found.body, length: found.length &- Message.tagSize, counter: found.counter))
                openedCount &+= 1
            }
        }
        if openedCount < revealed.datagrams {
            shared.drops.count(.undecryptable, revealed.datagrams - openedCount)
        }
        dropReplays(keypair)
        guard openedCount > 0 else { return handled }
        disguises.memory.remember(codec, for: message.source)
        let length = min(run.stride, run.length)
        keypair.peer.noticed(hint: revealed.hint, length: length)
        deliver(message, keypair: keypair, overhead: max(0, length &- opened[0].length))
        return handled
    }

    /// Handles one datagram that isn't a data message of a session.
    private func handleOther(
        _ datagram: UnsafeRawBufferPointer, of message: ReceivedMessage, _ known: (any InboundCodec)?, isForeign: Bool,
        _ disguises: InboundDisguises
    ) {
        let wall = Clock.wallTime()
        let moment = Moment(instant: now, wall: WallTime(seconds: wall.seconds, nanoseconds: wall.nanoseconds))
        let (finding, codec, alternatives) = disguises.table.handshake(
            in: datagram, known: known, into: disguises.output, at: moment, indices: shared.indices)
        switch finding {
        case .message(let length, let hint):
            guard let codec else { return }
            let arrival = Arrival(
                dialect: codec.dialect, alternatives: alternatives, replyDisguise: codec.replyDisguise, hint: hint,
                length: datagram.count)
            disguises.memory.remember(codec, for: message.source)
            push(disguises.output, length, .message(arrival), message)
        case .answer(let length):
            let whole = codec?.complete(disguises.output, length: length, for: message.source) ?? length
            push(disguises.output, whole, .answer, message)
        case .ignored:
            break
        case .refused(let reason):
            shared.drops.count(reason)
        case .none where isForeign:
            shared.drops.count(.wrongDialect)
        case .none:
            let codec = known ?? disguises.table.codecs.first { $0.dialect == plainDialect }
            if let codec, codec.receiver(of: datagram) != nil {
                shared.drops.count(.unknownSession)
            } else {
                dropStrange(datagram, from: message.source)
            }
        }
    }

    private func push(
        _ output: UnsafeMutableRawBufferPointer, _ length: Int, _ content: HandshakeQueue.Content,
        _ message: ReceivedMessage
    ) {
        let isTaken = handshakes.push(
            UnsafeRawBufferPointer(rebasing: output[..<min(length, output.count)]), content, from: message.source,
            via: message.local)
        if !isTaken { shared.drops.count(.handshakeQueueFull) }
    }

    // MARK: To the device

    /// Writes everything that the coalescer holds; false when the device is gone.
    private mutating func writePackets() -> Bool {
        var isDeviceThere = true
        while let output = coalescer.next() {
            switch device.write(output.slices.baseAddress!, count: output.slices.count) {
            case .bytes:
                break
            case .failed(EINVAL) where output.partCount > 1:
                stopMerging(like: output)
                while let part = coalescer.nextPart() {
                    if case .bytes = device.write(part.slices.baseAddress!, count: part.slices.count) { continue }
                    shared.drops.count(.interfaceWriteFailed)
                }
            case .failed(EBADFD), .failed(EBADF):
                isDeviceThere = false
                shared.drops.count(.interfaceWriteFailed, output.partCount)
            case .wouldBlock, .failed:
                shared.drops.count(.interfaceWriteFailed, output.partCount)
            }
        }
        coalescer.reset()
        return isDeviceThere
    }

    /// Some kernels refuse super-packets of one kind (Datapath §1.3); packets then go one by one.
    private mutating func stopMerging(like output: Coalescer.Output) {
        let header = VirtioHeader(loading: output.slices[0].iov_base)
        if header.segmentationType == VirtioHeader.SegmentationType.udp {
            coalescer.mergesUDP = false
        } else {
            coalescer.mergesTCP = false
        }
    }
}
