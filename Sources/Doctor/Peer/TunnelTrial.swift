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
    let echoes: EchoSockets
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
            case nil where former.status.endpoint == nil: results[peer] = .impossible
            case nil where former.hasRecentHandshake: results[peer] = .answered(microseconds: nil)
            case nil:
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

    // MARK: - The interface

    /// Its peers as they are now.
    func state() throws -> [PublicKey: PeerState] {
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
