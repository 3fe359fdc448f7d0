import Glibc
import LinuxNet
import NoisePrimitives
import Obfuscation
import Tunnel
import Wire

/// The way out: packets from the TUN device are cut into segments, sealed and sent.
///
/// It reads until the device has no more or enough has gathered and sends that in one go, so that batches grow with the
/// load and a lone packet leaves at once.
struct OutboundLane: ~Copyable {
    /// Bytes from which on what has gathered is sent before more is read: about one super-packet.
    private static let flushThreshold = 32 << 10

    private let device: TunDevice
    private let shared: DeviceShared
    private let sockets: SocketSet
    private let readBuffer: UnsafeMutableRawBufferPointer
    private var outbox: Outbox
    private var routes: RouteCache
    private var unreachables: UnreachableReplies
    private var now = Instant(nanoseconds: 0)
    private var isSegmentable = true
    private var waitsForRoom = true

    /// - Parameter seed: of what disguises draw.
    init(device: TunDevice, shared: DeviceShared, sockets: SocketSet, seed: Secret32) {
        self.device = device
        self.shared = shared
        self.sockets = sockets
        readBuffer = .allocate(byteCount: TunDevice.maximumReadSize, alignment: 64)
        outbox = Outbox(seed: seed)
        routes = RouteCache(shared.routes)
        unreachables = UnreachableReplies(device: device)
    }

    deinit {
        readBuffer.deallocate()
    }

    /// Sends what the device has, until it has no more or `limit` packets have been read. Unless it `waitsForRoom`, what a
    /// full socket has no room for is dropped.
    mutating func drain(limit: Int, waitsForRoom: Bool = true) -> Drained {
        self.waitsForRoom = waitsForRoom
        for _ in 0..<limit {
            switch device.read(into: readBuffer) {
            case .bytes(let count):
                beginRead()
                handle(UnsafeMutableRawBufferPointer(rebasing: readBuffer[..<count]))
                if outbox.count >= Self.flushThreshold { flush() }
            case .wouldBlock:
                flush()
                return .empty
            case .failed(EBADFD), .failed(EBADF):
                return .deviceGone
            case .failed:
                // A packet that the kernel couldn't hand over is lost; the next one may do.
                shared.drops.count(.outboundMalformed)
            }
        }
        flush()
        return .more
    }

    private mutating func beginRead() {
        now = Instant(nanoseconds: Clock.bootTime())
        if outbox.count == 0 {
            routes.refresh()
            let pair = sockets.current
            isSegmentable = (pair?.v4?.supportsSegmentation ?? true) && (pair?.v6?.supportsSegmentation ?? true)
        }
    }

    private mutating func flush() {
        guard outbox.count > 0 else { return }
        outbox.flush(on: sockets.current, waitsForRoom: waitsForRoom, drops: shared.drops, now: now)
    }

    private mutating func handle(_ bytes: UnsafeMutableRawBufferPointer) {
        guard shared.isUp else { return shared.drops.count(.interfaceDown) }
        let headerSize = device.offloads.virtioHeader ? VirtioHeader.size : 0
        guard bytes.count > headerSize, let start = bytes.baseAddress else {
            return shared.drops.count(.outboundMalformed)
        }
        let header = headerSize == 0 ? VirtioHeader() : VirtioHeader(loading: start)
        switch Segmentation.plan(header: header, packet: UnsafeMutableRawBufferPointer(rebasing: bytes[headerSize...]))
        {
        case .success(let segments): send(segments)
        case .failure(.malformedPacket): shared.drops.count(.outboundMalformed)
        case .failure: shared.drops.count(.superPacketMalformed)
        }
    }

    private mutating func send(_ segments: borrowing Segmentation) {
        guard let peer = routes.peer(for: segments.packet.destination) else {
            shared.drops.countUnroutable(segments.segmentCount, to: segments.packet.destination, at: now)
            return unreachables.answer(segments.packet, now: now)
        }
        send(segments, from: 0, to: peer)
    }

    /// Sends the segments from `first` on, or leaves them with the peer until it has a session.
    private mutating func send(_ segments: borrowing Segmentation, from first: Int, to peer: Peer) {
        guard let grant = peer.sendGrant(at: now),
            let counter = grant.keypair.reserve(segments.segmentCount - first)
        else { return stage(segments, from: first, for: peer) }
        if let disguise = grant.disguise {
            return send(segments, from: first, to: peer, with: grant, in: disguise, counter: counter)
        }
        let keypair = grant.keypair
        let mtu = shared.mtu
        let headerSize = Message.Data.headerSize
        let overhead = Message.Data.overhead
        let largest = paddedLength(segments.maximumLength, mtu: mtu) + overhead
        head(for: peer, with: grant, segments)
        for index in first..<segments.segmentCount {
            if !outbox.hasRoom(for: largest) {
                flush()
                head(for: peer, with: grant, segments)
            }
            let slot = outbox.slot
            let inner = slot + headerSize
            let length = segments.write(segment: index, to: inner)
            let padded = paddedLength(length, mtu: mtu)
            if padded > length {
                (inner + length).initializeMemory(as: UInt8.self, repeating: 0, count: padded - length)
            }
            // Safe: the session ends 8192 counters before they would wrap.
            keypair.seal(slot, length: padded, counter: counter &+ UInt64(index - first))
            outbox.commit(length: padded + overhead, now: now)
        }
    }

    /// Sends segments in a disguise, whose layout is asked for once for each length that differs from the one before.
    private mutating func send(
        _ segments: borrowing Segmentation, from first: Int, to peer: Peer, with grant: SendGrant,
        in disguise: any Disguise, counter: UInt64
    ) {
        let form = disguise.headerForm
        let count = segments.segmentCount - first
        guard form == .whole || counter < DataHeader.compactCounters - UInt64(count) else {
            peer.requestInitiation(at: now)
            return shared.drops.count(.disguiseImpossible, count)
        }
        let mtu = shared.mtu
        head(for: peer, with: grant, segments)
        var length = -1
        var layout = DataLayout(prefix: 0, content: 0, suffix: 0)
        for index in first..<segments.segmentCount {
            if segments.length(ofSegment: index) != length {
                length = segments.length(ofSegment: index)
                layout = disguise.layout(ofPacket: length, mtu: mtu, draw: outbox.draw)
            }
            guard layout.isPossible(for: length, form) else {
                shared.drops.count(.disguiseImpossible)
                continue
            }
            if !outbox.hasRoom(for: layout.total) {
                flush()
                head(for: peer, with: grant, segments)
            }
            let body = outbox.slot + layout.prefix
            _ = segments.write(segment: index, to: body)
            if layout.content > length {
                (body + length).initializeMemory(as: UInt8.self, repeating: 0, count: layout.content - length)
            }
            // Safe: the session ends 8192 counters before they would wrap.
            let counter = counter &+ UInt64(index - first)
            grant.keypair.seal(body: body, length: layout.content, counter: counter)
            DataHeader.store(
                form, receiver: grant.keypair.remoteIndex, counter: counter, suffix: layout.suffix, before: body)
            outbox.commit(length: layout.total, prefix: layout.prefix, now: now)
        }
    }

    private mutating func head(for peer: Peer, with grant: SendGrant, _ segments: borrowing Segmentation) {
        let isMarked = grant.disguise?.marksTraffic ?? true
        outbox.head(
            for: peer, with: grant, trafficClass: isMarked ? segments.packet.ecn.encapsulated.rawValue : 0,
            isSegmentable: isSegmentable, now: now)
    }

    private mutating func stage(_ segments: borrowing Segmentation, from first: Int, for peer: Peer) {
        // What has gathered was sealed before, so it goes before; then the outbox is free to cut segments in.
        flush()
        for index in first..<segments.segmentCount {
            let length = segments.write(segment: index, to: outbox.slot)
            switch peer.stage(UnsafeRawBufferPointer(start: outbox.slot, count: length), at: now) {
            case .staged:
                break
            case .retry:
                return send(segments, from: index, to: peer)
            case .refused(let reason):
                shared.drops.count(reason, segments.segmentCount - index)
                if reason == .noEndpoint || reason == .peerSuspended { unreachables.answer(segments.packet, now: now) }
                return
            }
        }
    }
}

/// What a drained device is left with.
enum Drained: Sendable {
    /// Nothing for now.
    case empty
    /// Perhaps more than was asked for.
    case more
    /// The TUN device was deleted.
    case deviceGone
}
