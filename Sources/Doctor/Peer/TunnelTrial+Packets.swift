import Glibc
import LinuxNet
import Wire

extension TunnelTrial {
    /// Sends echo requests through the tunnel.
    ///
    /// - Parameters:
    ///   - targets: the peers, and the addresses to ask, the most interesting first.
    ///   - isPatient: whether to wait eleven seconds for a sign of life where nothing answers.
    func echo(
        _ targets: [PublicKey: [IPAddress]], isPatient: Bool
    ) throws -> [PublicKey: PeerProbe.Echo] {
        let before = try state()
        var rounds = targets.mapValues { EchoRound($0) }
        let start = Clock.bootTime()
        var nextSend: UInt64 = 0
        let patience = isPatient ? Patience.life : Patience.echo
        while true {
            let elapsed = (Clock.bootTime() - start) / 1_000_000
            let open = rounds.filter { !$0.value.isOver(at: elapsed) }.map(\.key)
            guard !open.isEmpty, elapsed < patience else { break }
            if elapsed >= nextSend, elapsed < Patience.echo {
                nextSend = elapsed + Patience.echoInterval
                for peer in open { rounds[peer]?.send(echoes) }
            }
            for event in echoes.wait(milliseconds: 20) {
                for peer in open { rounds[peer]?.note(event, at: elapsed) }
            }
            guard elapsed >= Patience.echo else { continue }
            let now = try state()
            for peer in open where rounds[peer]?.result == nil {
                guard let former = before[peer] else { continue }
                rounds[peer]?.result = now[peer]?.life(since: former)
            }
        }
        return rounds.mapValues { $0.result ?? (isPatient ? .nothing : .untried) }
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
}

/// What becomes of echo requests to one peer.
private struct EchoRound {
    /// Milliseconds that other addresses than the one that was fastest have.
    private static let grace: UInt64 = 20

    private let addresses: [IPAddress]
    /// The place of its address in the list, for each request.
    private var places: [UInt16: Int] = [:]
    private var best: Int?
    private var answeredAt: UInt64?
    var result: PeerProbe.Echo?

    init(_ addresses: [IPAddress]) {
        self.addresses = addresses
    }

    /// - Parameter time: milliseconds since the beginning.
    func isOver(at time: UInt64) -> Bool {
        guard result != nil else { return false }
        guard let answeredAt, best != 0 else { return true }
        return time >= answeredAt + Self.grace
    }

    mutating func send(_ echoes: EchoSockets) {
        guard result == nil else { return }
        for (place, address) in addresses.enumerated() {
            if let number = try? echoes.send(to: address, hops: 1) { places[number] = place }
        }
        // An interface without an address, or a route that forbids it: there is nothing to be seen this way.
        if places.isEmpty { result = .untried }
    }

    mutating func note(_ event: EchoSockets.Event, at time: UInt64) {
        switch event {
        case .reply(let number, let sender, let microseconds):
            take(places[number], .answered(from: sender, microseconds: microseconds), time)
        case .refused(let number, let refusal, let microseconds):
            // This machine itself refuses what it has no route for.
            guard refusal.reason == .hopsExceeded else { return }
            take(places[number], .answered(from: refusal.sender, microseconds: microseconds), time)
        }
    }

    private mutating func take(_ place: Int?, _ echo: PeerProbe.Echo, _ time: UInt64) {
        guard let place, place < best ?? .max else { return }
        best = place
        result = echo
        answeredAt = answeredAt ?? time
    }
}
