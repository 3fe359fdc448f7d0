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
    static let maximumRun = ReceiveBatch.bufferSize / InboundDisguises.leastDatagram

    private let socket: UDPSocket
    private let device: TunDevice
    let shared: DeviceShared
    let handshakes: HandshakeQueue
    private let outbound: OutboundPath
    private let dialects: DialectCell
    private let mismatches: MismatchWatch
    private var dialectVersion: UInt64 = .max
    /// Nil while everything that is spoken looks like WireGuard's own.
    private var disguises: InboundDisguises?
    private var batch: ReceiveBatch
    private var coalescer: Coalescer
    private var routes: RouteCache
    let opened: UnsafeMutablePointer<Opened>
    var openedCount = 0
    /// The session that the last message came on. Only for one batch, so that an idle lane keeps no keys.
    private var current: Keypair?
    var now = Instant(nanoseconds: 0)

    /// A datagram that authenticated.
    struct Opened {
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
    func dropStrange(_ datagram: UnsafeRawBufferPointer, from source: Endpoint) {
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
    mutating func session(_ index: UInt32) -> Keypair? {
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
    mutating func dropReplays(_ keypair: Keypair) {
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
    mutating func deliver(_ message: ReceivedMessage, keypair: Keypair, overhead: Int) {
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
        guard routes.isPeer(peer, for: packet.source) else {
            peer.sentForeign(packet.source)
            return shared.drops.count(.sourceNotAllowed)
        }
        ECN.decapsulate(outer: outer, packet: inner)
        if !coalescer.add(inner, length: packet.length) {
            _ = writePackets()
            _ = coalescer.add(inner, length: packet.length)
        }
        isPlain = outer != .congestion
    }

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
