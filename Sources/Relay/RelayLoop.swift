import LinuxNet
import NoisePrimitives
import Obfuscation
import Tunnel
import Wire

/// A running relay: all of its sockets in one event loop, on one thread, so that nothing of it is shared.
final class RelayLoop {
    let listen: ListenAddress
    let listeners: [UDPSocket]
    let counters: RelayCounters
    let log: any RelayLog
    let events: EventLoop
    private let mailbox: RelayMailbox

    var settings: RelaySettings
    var sides: RelaySides
    let replays: RelayReplays
    var target: RelayTarget
    var table = FlowTable()
    let random = SystemRandomSource()
    var now = RelayLoop.moment()
    /// When the endpoint last sent something to anybody.
    var lastAnswer: Instant?

    var batch: ReceiveBatch
    var outbox: RelayOutbox
    /// Room for the data messages of the longest run, and for one handshake message.
    let messages: UnsafeMutablePointer<DataMessage>
    let scratch: UnsafeMutableRawBufferPointer
    /// When to look for idle flows; nil while there are none at all.
    private var idleCheck: Instant?
    private var lastComplaint: (error: Int32, at: Instant)?

    /// The shortest datagram of any dialect in bytes: veil's header and a tag.
    static var shortestDatagram: Int { 25 }
    /// The most data messages in one received message.
    private static var longestRun: Int { ReceiveBatch.bufferSize / shortestDatagram + 1 }

    init(
        _ settings: RelaySettings, listeners: [UDPSocket], mailbox: RelayMailbox, counters: RelayCounters,
        book: any AddressBook, log: any RelayLog, start: WallTime
    ) throws {
        listen = settings.listen
        self.listeners = listeners
        self.mailbox = mailbox
        self.counters = counters
        self.log = log
        self.settings = settings
        events = try EventLoop()
        replays = RelayReplays(stateFile: settings.stateFile, start: start)
        sides = try RelaySides(
            settings, clientReplays: replays.clients, endpointReplays: replays.endpoint, random: random)
        target = RelayTarget(book: book, mailbox: mailbox)
        batch = try ReceiveBatch()
        outbox = RelayOutbox(random: random)
        messages = .allocate(capacity: Self.longestRun)
        scratch = .allocate(byteCount: DisguiseLimits.datagram, alignment: 16)
    }

    deinit {
        // Safe: what was stored is trivial.
        messages.deallocate()
        scratch.deallocate()
    }

    /// Moves datagrams until it is told to stop.
    func run() throws(SystemError) {
        if let complaint = replays.complaint { note(complaint) }
        for listener in listeners {
            try events.add(listener.fileDescriptor) { [unowned self] _ in readClients(listener) }
        }
        try events.add(mailbox.fileDescriptor) { [unowned self] _ in readMailbox() }
        target.aim(at: settings.endpoint, now: now.instant)
        note(.listening(listen, settings.endpoint))
        try events.run(deadline: { nextDeadline }, expired: { expire() })
        for flow in table.all { remove(flow) }
        if let complaint = replays.save() { note(complaint) }
        note(.ended(counters.report))
    }

    func note(_ event: RelayEvent) {
        log.note(event, of: listen)
    }

    static func moment() -> Moment {
        let wall = Clock.wallTime()
        return Moment(
            instant: Instant(nanoseconds: Clock.bootTime()),
            wall: WallTime(seconds: wall.seconds, nanoseconds: wall.nanoseconds))
    }

    // MARK: Flows

    /// Begins a flow for a client that has none; nil when that can't be.
    ///
    /// - Parameter former: the flow that the same client had from another address.
    func begin(_ message: ReceivedMessage, on listener: UDPSocket, former: Flow? = nil) -> Flow? {
        guard let endpoint = target.endpoint else {
            counters.drops.count(.noEndpoint)
            return nil
        }
        guard let disguise = sides.endpointDisguise() else {
            counters.drops.count(.disguiseImpossible)
            return nil
        }
        if table.count >= settings.maximumFlows, let flow = table.mostDispensable {
            note(.flowDisplaced(flow.client))
            counters.drops.count(.tooManyFlows)
            remove(flow)
        }
        do throws(SystemError) {
            var options = UDPSocket.Options()
            options.waitsForDatagrams = false
            let socket = try UDPSocket.bind(
                AddressFamily(of: endpoint.address), port: 0, firewallMark: settings.firewallMark, options: options)
            let flow = Flow(
                client: message.source, listener: listener, local: message.local, socket: socket,
                endpointCodec: sides.endpointCodecs[0], endpointDisguise: disguise, now: now.instant)
            try events.add(socket.fileDescriptor) { [unowned self, unowned flow] _ in readEndpoint(flow) }
            flow.macsToEndpoint = settings.serverKey.map { RelayedMACs(receiver: $0) }
            identify(flow, as: former?.clientKey ?? sides.onlyClient)
            table.insert(flow)
            if let former { inherit(flow, from: former) }
            if idleCheck == nil { idleCheck = now.instant + .seconds(UInt64(settings.idleTimeout)) }
            counters.countOpened()
            counters.setFlows(table.count)
            note(.flowBegun(flow.client))
            return flow
        } catch {
            counters.drops.count(.tooManyFlows)
            complain(error.code) { .flowRefused(message.source, reason: "\(error)") }
            return nil
        }
    }

    func remove(_ flow: Flow) {
        // What still waits may go through its socket.
        outbox.flush()
        events.remove(flow.socket.fileDescriptor)
        table.remove(flow)
        counters.setFlows(table.count)
    }

    /// Now it is known which of the clients this is.
    func identify(_ flow: Flow, as key: PublicKey?) {
        if flow.clientDisguise != nil, flow.clientKey == key { return }
        flow.clientKey = key
        flow.clientDisguise = sides.clientDisguise(for: key)
        flow.macsToClient = key.map { RelayedMACs(receiver: $0) }
    }

    /// Tells at most twice a minute what goes wrong in the same way again and again.
    func complain(_ error: Int32, _ event: () -> RelayEvent) {
        if let lastComplaint, lastComplaint.error == error,
            now.instant.since(lastComplaint.at) < .seconds(30)
        {
            return
        }
        lastComplaint = (error, now.instant)
        note(event())
    }

    /// The sessions go on under the new address, beside those that it has.
    func inherit(_ flow: Flow, from former: Flow) {
        flow.endpointCodec = former.endpointCodec
        for index in former.clientIndices.all { _ = flow.clientIndices.insert(index) }
        for index in former.endpointIndices.all { table.learn(index, of: flow) }
    }

    // MARK: Letters and deadlines

    private func readMailbox() {
        now = Self.moment()
        for letter in mailbox.takeAll() {
            switch letter {
            case .update(let new): take(new)
            case .found(let name, let endpoints):
                if let endpoint = target.found(name, endpoints, now: now.instant) {
                    note(.endpointFound(name, endpoint))
                    endFlowsOfOtherFamily()
                }
            case .notFound(let name, let error):
                if let seconds = target.notFound(name, now: now.instant) {
                    note(.endpointNotFound(error, retryAfter: seconds))
                }
            case .stop: events.stop()
            }
        }
    }

    /// Takes new settings for the same listening address. Flows stay unless the two sides speak another way now.
    private func take(_ new: RelaySettings) {
        let old = settings
        settings = new
        if new.speaksLike(old) {
            for flow in table.all where new.firewallMark != old.firewallMark {
                _ = flow.socket.setFirewallMark(new.firewallMark)
            }
            while table.count > new.maximumFlows, let flow = table.mostDispensable { remove(flow) }
        } else {
            for flow in table.all { remove(flow) }
            do throws(RelaySettingsError) {
                sides = try RelaySides(
                    new, clientReplays: replays.clients, endpointReplays: replays.endpoint, random: random)
            } catch {
                note(.broken("\(error)"))
            }
        }
        if let complaint = replays.keep(in: new.stateFile) { note(complaint) }
        target.aim(at: new.endpoint, now: now.instant)
        endFlowsOfOtherFamily()
        idleCheck = table.count > 0 ? now.instant : nil
        if new != old { note(.settingsTaken) }
    }

    /// Sockets are of one family.
    private func endFlowsOfOtherFamily() {
        guard let endpoint = target.endpoint else { return }
        for flow in table.all where flow.socket.family != AddressFamily(of: endpoint.address) { remove(flow) }
    }

    private var nextDeadline: UInt64? {
        switch (idleCheck, target.nextLookUp) {
        case (let first?, let second?): min(first, second).nanoseconds
        case (let first, let second): (first ?? second)?.nanoseconds
        }
    }

    private func expire() {
        now = Self.moment()
        if let time = target.nextLookUp, time <= now.instant { target.lookUp(now: now.instant) }
        guard let check = idleCheck, check <= now.instant else { return }
        let timeout = Instant.Span.seconds(UInt64(settings.idleTimeout))
        while let flow = table.idlest, now.instant.since(flow.lastUsed) >= timeout {
            note(.flowIdle(flow.client))
            remove(flow)
        }
        idleCheck = table.idlest.map { $0.lastUsed + timeout }
    }
}

extension RelaySettings {
    /// Whether flows of these settings can stay under the others: only addresses, limits and files differ.
    fileprivate func speaksLike(_ other: RelaySettings) -> Bool {
        listenDialect == other.listenDialect && forwardDialect == other.forwardDialect && serverKey == other.serverKey
            && clientKeys == other.clientKeys
    }
}
