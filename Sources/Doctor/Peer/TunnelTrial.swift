import Control
import Glibc
import LinuxNet
import Tunnel
import Wire

/// Tries out peers of one interface: initiations, then packets through the tunnel. Every step is for several peers at once
/// and waits for what comes of it.
///
/// With interfaces of the kernel and of other programs an echo request has to begin the handshake, and what became of
/// it is seen by the time of the last one.
final class TunnelTrial {
    /// Times in milliseconds.
    enum Patience {
        /// For the answer to an initiation.
        static let call: UInt64 = 1500
        /// For the answer to a second one as well, which follows after five seconds and a third.
        static let secondCall: UInt64 = 6900
        /// For a chance to call after a handshake.
        static let turn: UInt64 = 7000
        /// For a chance to call a peer that itself calls every five seconds: three of them.
        static let turns: UInt64 = 17_500
        /// For the answer to an echo request.
        static let echo: UInt64 = 1500
        /// Between two echo requests.
        static let echoInterval: UInt64 = 400
        /// For the peer to say that it has received something, as it does after ten seconds.
        static let life: UInt64 = 11_500
        /// For the answers to large packets.
        static let size: UInt64 = 600
    }

    private let device: any DeviceAccess
    private let interface: String
    private let echoes: EchoSockets
    /// The peers as they were before they were called.
    private var stateBeforeCall: [PublicKey: PeerState] = [:]
    private var timeOfCall: UInt64 = 0

    init(_ interface: String, _ device: any DeviceAccess) {
        self.interface = interface
        self.device = device
        echoes = EchoSockets(interface: interface)
    }

    // MARK: - Handshakes

    /// Calls peers and waits for answers, a second and a half for each.
    ///
    /// - Parameters:
    ///   - targets: the peers, and where echo requests to them may go.
    ///   - trustsSessions: whether a handshake of the last seconds is good enough.
    func call(
        _ targets: [PublicKey: [IPAddress]], trustsSessions: Bool
    ) throws -> [PublicKey: PeerProbe.Call] {
        var now = try state()
        let before = now
        stateBeforeCall = before
        timeOfCall = Clock.bootTime()
        var results: [PublicKey: PeerProbe.Call] = [:]
        var attempts: [PublicKey: Attempt] = [:]
        for (peer, addresses) in targets {
            guard let former = before[peer] else {
                results[peer] = .impossible
                continue
            }
            var attempt = Attempt(of: former, at: timeOfCall)
            switch try program?.initiate(peer) {
            case .sent: break
            case .tooSoon where former.hasJustCompleted && (trustsSessions || addresses.isEmpty):
                results[peer] = .answered(microseconds: former.report?.handshakeMicroseconds)
            case .tooSoon: attempt.waitsForTurn = former.hasJustCompleted || former.isCalling
            case .noSuchPeer, .interfaceDown, .noEndpoint, .noPrivateKey, .lowOrderKey, .suspended:
                results[peer] = .impossible
            case nil:
                if former.status.endpoint == nil { results[peer] = .impossible }
                for address in addresses { _ = try? echoes.send(to: address, hops: 1) }
            }
            attempts[peer] = attempt
        }
        var nextLook: UInt64 = 0
        while true {
            let time = Clock.bootTime()
            let open = attempts.filter { results[$0.key] == nil && !$0.value.isOver(at: time) }
            guard !open.isEmpty else { break }
            for (peer, attempt) in open where attempt.waitsForTurn {
                guard try program?.initiate(peer) == .sent else { continue }
                attempts[peer]?.wasSent(at: time, now[peer])
            }
            usleep(3000)
            guard time >= nextLook else { continue }
            nextLook = time + 20_000_000
            now = try state()
            for peer in open.keys {
                guard let former = before[peer], let state = now[peer] else { continue }
                results[peer] = state.outcome(since: former)
                attempts[peer]?.note(state)
            }
        }
        for peer in targets.keys where results[peer] == nil { results[peer] = .unanswered }
        return results
    }

    /// Waits for the answer to the daemon's own second initiation to peers that haven't answered the first one: what has
    /// come since ``call(_:)``.
    func waitForSecondCall(_ peers: [PublicKey]) throws -> [PublicKey: PeerProbe.Call] {
        var results: [PublicKey: PeerProbe.Call] = [:]
        let end = timeOfCall + Patience.secondCall * 1_000_000
        while results.count < peers.count, Clock.bootTime() < end {
            usleep(20_000)
            let now = try state()
            for peer in peers where results[peer] == nil {
                guard let former = stateBeforeCall[peer] else { continue }
                results[peer] = now[peer]?.outcome(since: former)
            }
        }
        return results
    }

    private var program: UserspaceDevice? { device as? UserspaceDevice }

    // MARK: - Echo

    /// Sends echo requests through the tunnel.
    ///
    /// - Parameter isPatient: whether to wait eleven seconds for a sign of life where nothing answers.
    func echo(
        _ targets: [PublicKey: [IPAddress]], isPatient: Bool
    ) throws -> [PublicKey: PeerProbe.Echo] {
        let before = try state()
        var results: [PublicKey: PeerProbe.Echo] = [:]
        var owners: [UInt16: PublicKey] = [:]
        let start = Clock.bootTime()
        var nextSend: UInt64 = 0
        let patience = isPatient ? Patience.life : Patience.echo
        while true {
            let elapsed = (Clock.bootTime() - start) / 1_000_000
            let open = targets.keys.filter { results[$0] == nil }
            guard !open.isEmpty, elapsed < patience else { break }
            if elapsed >= nextSend, elapsed < Patience.echo {
                nextSend = elapsed + Patience.echoInterval
                for peer in open {
                    let sent = (targets[peer] ?? []).compactMap { try? echoes.send(to: $0, hops: 1) }
                    // An interface without an address, or a route that forbids it: there is nothing to be seen this way.
                    if sent.isEmpty { results[peer] = .untried }
                    for number in sent { owners[number] = peer }
                }
            }
            for event in echoes.wait(milliseconds: 50) {
                switch event {
                case .reply(let number, let sender, let microseconds):
                    guard let peer = owners[number] else { continue }
                    results[peer] = .answered(from: sender, microseconds: microseconds)
                case .refused(let number, let refusal, let microseconds):
                    // This machine itself refuses what it has no route for.
                    guard let peer = owners[number], refusal.reason == .hopsExceeded else { continue }
                    results[peer] = results[peer] ?? .answered(from: refusal.sender, microseconds: microseconds)
                }
            }
            if elapsed >= Patience.echo {
                let now = try state()
                for peer in open where results[peer] == nil {
                    guard let former = before[peer], let state = now[peer] else { continue }
                    results[peer] = state.life(since: former)
                }
            }
        }
        for peer in targets.keys where results[peer] == nil { results[peer] = isPatient ? .nothing : .untried }
        return results
    }

    /// One echo request to an address that has answered before: microseconds until the answer.
    func ping(_ address: IPAddress, milliseconds: UInt64) -> UInt64? {
        guard let number = try? echoes.send(to: address, hops: 1) else { return nil }
        let end = Clock.bootTime() + milliseconds * 1_000_000
        while true {
            let now = Clock.bootTime()
            guard now < end else { return nil }
            for event in echoes.wait(milliseconds: (end - now) / 1_000_000) {
                switch event {
                case .reply(number, _, let microseconds): return microseconds
                case .refused(number, let refusal, let microseconds) where refusal.reason == .hopsExceeded:
                    return microseconds
                default: continue
                }
            }
        }
    }

    // MARK: - Size

    /// How large packets to an address can be; nil when it answers nothing that is larger than the smallest packets.
    ///
    /// - Parameter mtu: of the interface, in bytes.
    func largest(_ address: IPAddress, mtu: Int) -> PeerProbe.Size? {
        // One that was lost by accident doesn't make the packets too large.
        for _ in 0..<3 where !answered(address, [mtu]).isEmpty { return .whole }
        var (least, most) = (0, mtu)
        for _ in 0..<2 {
            let step = max(1, (most - max(least, 84)) / 24)
            let sizes = stride(from: max(least, 84), to: most, by: step).filter { $0 > least }
            let arrived = answered(address, sizes).union(answered(address, sizes))
            guard let largest = arrived.max() ?? (least > 0 ? least : nil) else { return nil }
            least = largest
            most = sizes.first { $0 > largest } ?? most
        }
        // The way was crowded, or is whole again.
        if !answered(address, [mtu]).isEmpty { return .whole }
        return .limited(least)
    }

    /// Which sizes were answered.
    private func answered(_ address: IPAddress, _ sizes: [Int]) -> Set<Int> {
        var numbers: [UInt16: Int] = [:]
        for size in sizes {
            if let number = try? echoes.send(to: address, size: size) { numbers[number] = size }
            // One after another: a crowd would be lost for other reasons than its size, and be sent as one large packet.
            usleep(500)
        }
        var arrived: Set<Int> = []
        let end = Clock.bootTime() + Patience.size * 1_000_000
        while arrived.count < numbers.count {
            let now = Clock.bootTime()
            guard now < end else { break }
            for event in echoes.wait(milliseconds: (end - now) / 1_000_000 + 1) {
                if case .reply(let number, _, _) = event, let size = numbers[number] { arrived.insert(size) }
            }
        }
        return arrived
    }

    // MARK: - The interface

    /// Its peers as they are now.
    private func state() throws -> [PublicKey: PeerState] {
        let status = try device.status()
        let report = try program?.report()
        let reports = Dictionary((report?.peers ?? []).map { ($0.publicKey, $0) }) { first, _ in first }
        return Dictionary(
            status.peers.map { ($0.publicKey, PeerState(status: $0, report: reports[$0.publicKey])) }
        ) { first, _ in first }
    }
}

/// One call of a peer.
private struct Attempt {
    /// Whether the initiation is still to be sent: what was sent to the peer a moment ago keeps this side from calling.
    var waitsForTurn = false
    /// The peer's own initiations until ours went; another one makes ours void.
    private var heardCalls: UInt64
    /// When its answer is no longer waited for (``Clock/bootTime()``).
    private var answerEnd: UInt64
    private let end: UInt64

    init(of peer: PeerState, at time: UInt64) {
        heardCalls = peer.report?.initiationsAccepted ?? 0
        answerEnd = time + TunnelTrial.Patience.call * 1_000_000
        end = time + (peer.isCalling ? TunnelTrial.Patience.turns : TunnelTrial.Patience.turn) * 1_000_000
    }

    func isOver(at time: UInt64) -> Bool { time >= end || !waitsForTurn && time >= answerEnd }

    mutating func wasSent(at time: UInt64, _ state: PeerState?) {
        waitsForTurn = false
        answerEnd = time + TunnelTrial.Patience.call * 1_000_000
        note(state, isVoid: false)
    }

    mutating func note(_ state: PeerState) { note(state, isVoid: true) }

    private mutating func note(_ state: PeerState?, isVoid: Bool) {
        guard let calls = state?.report?.initiationsAccepted, calls > heardCalls else { return }
        heardCalls = calls
        if isVoid { waitsForTurn = true }
    }
}

/// A peer at one moment.
private struct PeerState {
    let status: PeerStatus
    /// Nil where the daemon isn't Nightjar.
    let report: PeerReport?

    /// Whether a handshake was completed within the time that no other is begun.
    var hasJustCompleted: Bool {
        guard let report, report.unanswered == 0, report.unconfirmed == 0 else { return false }
        return report.handshake.map { $0.milliseconds < 6000 } ?? false
    }

    /// Whether the peer calls, and doesn't use the answers.
    var isCalling: Bool { (report?.unconfirmed ?? 0) > 0 }

    private var undecryptable: UInt64 {
        report?.refusals.first { $0.reason == DropReason.responseUndecryptable.name }?.count ?? 0
    }

    private var completed: UInt64 {
        guard let report else { return 0 }
        return report.completedAsInitiator &+ report.completedAsResponder
    }

    /// Of the call that was made at `former`; nil as long as nothing has come of it.
    func outcome(since former: PeerState) -> PeerProbe.Call? {
        if undecryptable > former.undecryptable { return .undecryptable }
        if let report {
            return completed > former.completed ? .answered(microseconds: report.handshakeMicroseconds) : nil
        }
        return status.lastHandshake != former.status.lastHandshake ? .answered(microseconds: nil) : nil
    }

    /// What has come from the peer since `former`.
    func life(since former: PeerState) -> PeerProbe.Echo? {
        guard status.receivedBytes > former.status.receivedBytes else { return nil }
        guard let report, let old = former.report else { return .lifeOnly }
        // Handshakes of a peer that hears nothing are no sign of life.
        guard report.initiationsAccepted == old.initiationsAccepted, completed == former.completed else { return nil }
        if let age = report.dataReceived, old.dataReceived.map({ age < $0 }) ?? true { return .dataOnly }
        return .lifeOnly
    }
}
