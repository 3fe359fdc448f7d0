import Glibc
package import LinuxNet
package import Logging
package import NoisePrimitives
import Obfuscation
package import Tunnel
import Wire

/// A running device: the tunnel core joined to a TUN device and UDP sockets.
///
/// It lives on the thread of its event loop, the control thread, which does handshakes, timers and configuration.
/// Beside it run one thread that sends and one for each socket that receives; they share ``DeviceShared``, the sockets and
/// the handshake queue with it, and nothing else.
package final class Engine {
    /// What the data path may use. Everything that the kernel refuses is left out by itself.
    package struct Options: Sendable {
        package var sockets = UDPSocket.Options()
        /// The file that keeps, past the end of this program, how new the newest handshake was that came in a dated disguise; nil: none
        /// does.
        package var replayFloorPath: String?

        package init() {}
    }

    /// How long handshake messages gather under load.
    private static let loadPause = Instant.Span.milliseconds(1)

    let device: TunDevice
    let loop: EventLoop
    let logger: Logger
    let options: Options
    let shared: DeviceShared
    let tunnel: Device
    let sockets = SocketSet()
    let handshakes: HandshakeQueue
    let dialects = DialectCell()
    let mismatches: MismatchWatch
    let disguises: Disguises
    let outbound: OutboundPath
    let doorbell: Doorbell
    let stopBell: Doorbell
    /// The interface, in whichever network namespace it is.
    var link: LinkWatch
    /// The routing of the namespace that the sockets are in.
    var routing: Netlink
    var routingMonitor: NetlinkMonitor
    private var transmits = TransmitBatch()
    private var keystream: KeystreamGenerator
    var eventLog = EventLog()
    /// When this was made.
    let started: Instant
    /// The last one that was found.
    var lastMismatch: Mismatch?

    /// The port to bind, 0 for any; then the one that was bound.
    var listenPort: UInt16 = 0
    /// `SO_MARK` of what the sockets send, 0 for none.
    package internal(set) var firewallMark: UInt32 = 0
    var isUp = false
    /// Why an interface that is up has no sockets, as an `errno` value; 0 when it has them or is down.
    var bindFailure: Int32 = 0
    /// When sticky source addresses are checked against the routing table; nil when it hasn't changed.
    var routeCheckAt: Instant?
    /// Under load, when handshake messages are looked at next; they don't wake the thread then.
    private var handshakesAt: Instant?
    private var outboundThread: NativeThread?
    var receivers: [NativeThread] = []
    let laneEnds: LaneEnds

    /// Called on the control thread once when the TUN device was deleted.
    package var onDeviceGone: () -> Void = {}

    /// Called on the control thread with everything that the tunnel reports: handshakes, never packets.
    package var onEvent: (Device.Event) -> Void = { _ in }

    package init(
        device: TunDevice, loop: EventLoop, logger: Logger, random: any RandomSource, options: Options
    ) throws(SystemError) {
        let doorbell = try Doorbell()
        let ring: @Sendable () -> Void = { doorbell.ring() }
        started = Instant(nanoseconds: Clock.bootTime())
        self.device = device
        self.loop = loop
        self.logger = logger
        self.options = options
        self.doorbell = doorbell
        stopBell = try Doorbell()
        shared = DeviceShared(mtu: try device.mtu(), wakeControl: ring)
        tunnel = Device(shared: shared, random: random)
        handshakes = HandshakeQueue(wakeControl: ring)
        mismatches = MismatchWatch(wakeControl: ring)
        disguises = Disguises(
            cell: dialects, floor: ReplayFloor(path: options.replayFloorPath, logger: logger), random: random)
        keystream = KeystreamGenerator(seededBy: random)
        outbound = try OutboundPath(
            device: device, shared: shared, sockets: sockets, stop: stopBell, seed: random.secret())
        laneEnds = LaneEnds(wakeControl: ring)
        link = try LinkWatch(interfaceIndex: device.interfaceIndex)
        routingMonitor = try NetlinkMonitor(.routing)
        routing = try Netlink()
    }

    /// Starts the threads and takes over the state that the interface is in.
    package func start() throws(SystemError) {
        limitSuperPackets()
        try loop.add(doorbell.fileDescriptor) { [unowned self] _ in
            doorbell.silence()
            handleDoorbell()
        }
        try watchLink()
        try loop.add(routingMonitor.fileDescriptor) { [unowned self] _ in
            if !routingMonitor.nextEvents().isEmpty { routingChanged() }
        }
        outboundThread = try NativeThread(name: "\(device.name)-out") { [outbound, laneEnds] in
            laneEnds.report(outbound.run())
        }
        readLinkState()
    }

    /// Runs the event loop until it is stopped.
    package func run() throws(SystemError) {
        try loop.run(
            deadline: { [self] in
                [tunnel.nextDeadline, routeCheckAt, handshakesAt].compactMap { $0?.nanoseconds }.min()
            },
            expired: { [self] in
                let now = moment()
                tunnel.handleTimeout(now: now)
                if let routeCheckAt, routeCheckAt <= now.instant { checkStickySources() }
                drain()
                if let handshakesAt, handshakesAt <= now.instant { handleDoorbell() }
            })
    }

    /// Stops the threads and closes the sockets.
    package func shutDown() {
        goDown()
        stopBell.ring()
        outboundThread?.join()
        loop.remove(doorbell.fileDescriptor)
        loop.remove(link.fileDescriptor)
        loop.remove(routingMonitor.fileDescriptor)
    }

    func moment() -> Moment {
        let wall = Clock.wallTime()
        return Moment(
            instant: Instant(nanoseconds: Clock.bootTime()),
            wall: WallTime(seconds: wall.seconds, nanoseconds: wall.nanoseconds))
    }

    /// Takes what waits: handshake messages, signals from the lanes, ends of lanes.
    private func handleDoorbell() {
        let now = moment()
        handshakesAt = nil
        // A turn handles so many at most, so that a flood leaves time for the other descriptors. Sixteen messages are
        // enough to share the cost of sending their answers, and few enough for the first one not to wait long.
        var isMore = true
        for _ in 0..<4 where isMore {
            isMore = handshakes.handle(atMost: 16) { handle($0, now: now) }
            // Before the answers go out, so that whoever sees one can't have its message taken again after a crash.
            disguises.saveFloor()
            drain()
        }
        if tunnel.isUnderLoad(at: now.instant), !isMore {
            handshakesAt = now.instant + Self.loadPause
        } else {
            handshakes.rest()
        }
        tunnel.handleSignals(now: now)
        drain()
        lookAtMismatch(now: now)
        if laneEnds.isDeviceGone {
            logger.info("The interface is gone", metadata: ["event": "interface-gone"])
            onDeviceGone()
        }
    }

    private func handle(_ item: HandshakeQueue.Item, now: Moment) {
        switch item.content {
        case .message(let arrival):
            tunnel.handleHandshake(
                item.bytes, from: item.endpoint, via: item.source, arrival: arrival, waiting: item.waiting, now: now)
        case .answer:
            post(
                Device.Transmit(
                    .data, bytes: Array(item.bytes), endpoint: item.endpoint, source: item.source, trafficClass: 0,
                    peer: nil))
        }
    }

    /// Sends and logs what the tunnel has produced.
    func drain() {
        while let transmit = tunnel.pollTransmit() {
            if transmit.disguise == nil { post(transmit) } else { disguise(transmit) }
        }
        transmits.send(on: sockets.current, drops: shared.drops, logger: logger)
        while let event = tunnel.pollEvent() {
            log(event)
            onEvent(event)
        }
    }

    private func disguise(_ transmit: Device.Transmit) {
        let datagrams = transmit.datagrams(at: moment(), random: &keystream)
        if datagrams.isEmpty { shared.drops.count(.disguiseImpossible) }
        for bytes in datagrams {
            post(
                Device.Transmit(
                    transmit.kind, bytes: bytes, endpoint: transmit.endpoint, source: transmit.source,
                    trafficClass: transmit.trafficClass, peer: transmit.peer))
        }
    }

    private func post(_ transmit: Device.Transmit) {
        if transmits.add(transmit) { return }
        transmits.send(on: sockets.current, drops: shared.drops, logger: logger)
        _ = transmits.add(transmit)
    }
}
