import Control
import Glibc
import LinuxNet
package import Quick
import Status
import Tunnel
import Wire

/// `nightjar ping`: a round trip to a peer, layer by layer. What comes back through the tunnel is authenticated.
package struct Ping {
    package enum Outcome: Equatable, Sendable {
        case reached
        case notReached
    }

    /// How many echo requests are sent once one was answered.
    private let count: Int
    private let surroundings: Surroundings
    private let write: (String) -> Void

    /// - Parameter write: is given lines without their ends.
    package init(count: Int, _ surroundings: Surroundings, write: @escaping (String) -> Void) {
        self.count = count
        self.surroundings = surroundings
        self.write = write
    }

    /// - Parameters:
    ///   - argument: a name, a public key, an address; see ``PeerSearch``.
    ///   - interface: nil: any.
    /// - Throws: a sentence when there is no such peer, or its interface doesn't answer.
    package func run(_ argument: String, interface: String?) throws -> Outcome {
        let names = try interface.map { [$0] } ?? WireGuardDevices.names(in: surroundings.devicePlaces)
        let snapshots = try names.compactMap { name in
            // One that nobody can read is no reason not to look at others.
            interface == nil
                ? try? InterfaceSnapshot.take(name, surroundings) : try InterfaceSnapshot.take(name, surroundings)
        }
        let match = try PeerSearch.find(argument, in: snapshots)
        let (snapshot, peer) = (match.snapshot, match.peer)
        write("\(peer.label)\(peer.name == nil ? "" : " (\(peer.publicKey.short))"), through \(snapshot.name)")
        guard snapshot.isUp != false else {
            return stop("\(snapshot.name) is down: ip link set up dev \(snapshot.name)")
        }
        if let suspension = peer.report?.suspension {
            let reason = suspension == .expired ? "its date has passed" : "its quota is used up"
            return stop("\(peer.label) isn't served any more, since \(reason): nightjar renew \(peer.label)")
        }
        guard let endpoint = try prepare(match) else { return advise(snapshot) }
        let trial = TunnelTrial(snapshot.name, try WireGuardDevices.open(snapshot.name, in: surroundings.devicePlaces))
        let targets = [
            peer.publicKey: InnerTargets.candidates(
                allowedIPs: peer.status?.allowedIPs ?? [], own: try addresses(of: snapshot))
        ]
        guard try call(peer.publicKey, targets, endpoint, snapshot, trial) else { return advise(snapshot) }
        return try echo(peer.publicKey, targets, snapshot, trial)
    }

    // MARK: - Layers

    /// Name and route; nil when it is no use to go on.
    private func prepare(_ match: PeerSearch.Match) throws -> Endpoint? {
        let (snapshot, peer) = (match.snapshot, match.peer)
        let endpoint = peer.status?.endpoint
        if let text = peer.endpointName, let name = EndpointName(text, defaultPort: 51820) {
            let answer = NameLookups.run([name], seconds: 5)[name] ?? .tooSlow
            say(.name(name.host, answer, endpoint: endpoint))
        }
        guard let endpoint else {
            say(PingLine(.route, .fails, "nobody knows where \(peer.label) is: it has no Endpoint, and hasn't called"))
            return nil
        }
        var netlink = try Netlink()
        let answer = try netlink.route(to: endpoint.address, mark: snapshot.status.firewallMark)
        let way = try answer.map { answer in
            Way(
                interface: try netlink.link(index: answer.interface).name, gateway: answer.gateway,
                table: answer.table, source: answer.preferredSource)
        }
        let line = PingLine.route(to: endpoint, way, interface: snapshot.name)
        say(line)
        return line.result == .works ? endpoint : nil
    }

    /// UDP and handshake; whether there is a session.
    private func call(
        _ key: PublicKey, _ targets: [PublicKey: [IPAddress]], _ endpoint: Endpoint, _ snapshot: InterfaceSnapshot,
        _ trial: TunnelTrial
    ) throws -> Bool {
        var call = try trial.call(targets, trustsSessions: true)[key] ?? .unanswered
        var outside: PeerProbe.Outside?
        if call == .unanswered {
            outside = OutsideLook.take([endpoint], mark: snapshot.status.firewallMark).first
            if outside?.isConclusive != true, let second = try trial.waitForSecondCall([key])[key] { call = second }
        }
        say(.udp(endpoint, call, outside))
        say(.handshake(call))
        return call.isAnswered
    }

    /// Packets through the tunnel.
    private func echo(
        _ key: PublicKey, _ targets: [PublicKey: [IPAddress]], _ snapshot: InterfaceSnapshot, _ trial: TunnelTrial
    ) throws -> Outcome {
        var echo = PeerProbe.Echo.untried
        if targets[key]?.isEmpty == false {
            echo = try trial.echo(targets, isPatient: false)[key] ?? .untried
            if echo == .untried {
                write("  (no answer yet; a peer that gets packets says so after ten seconds)")
                echo = try trial.echo(targets, isPatient: true)[key] ?? .untried
            }
        }
        say(.echo(echo))
        guard case .answered(let address, let first) = echo else {
            if echo == .nothing { return advise(snapshot) }
            write("The tunnel's handshake works.")
            return .reached
        }
        var times = [first]
        for _ in 1..<max(1, count) {
            // Safe: times are of at most a second.
            usleep(UInt32(1_000_000 - min(times.last ?? 0, 1_000_000)))
            if let time = trial.ping(address, milliseconds: 1000) {
                times.append(time)
                write(String(repeating: " ", count: 21) + "\(address) in \(NetworkWords.milliseconds(time))")
            } else {
                write(String(repeating: " ", count: 21) + "no answer within a second")
            }
        }
        write(PingSummary(sent: max(1, count), times: times).text)
        return .reached
    }

    // MARK: - Output

    private func say(_ line: PingLine) { write(line.description) }

    private func stop(_ sentence: String) -> Outcome {
        write(sentence)
        return .notReached
    }

    private func advise(_ snapshot: InterfaceSnapshot) -> Outcome {
        stop("'nightjar doctor \(snapshot.name)' looks for the reason.")
    }

    private func addresses(of snapshot: InterfaceSnapshot) throws -> [InterfaceAddress] {
        guard let link = snapshot.link else { return [] }
        var netlink = try Netlink()
        return try netlink.addresses(ofInterface: link.index).map(\.address)
    }
}

/// The last line.
package struct PingSummary: Equatable, Sendable {
    package let sent: Int
    /// Microseconds, of those that were answered.
    package let times: [UInt64]

    package init(sent: Int, times: [UInt64]) {
        self.sent = sent
        self.times = times
    }

    package var text: String {
        let start = "\(times.count) of \(sent) answered through the tunnel"
        guard let least = times.min(), let most = times.max(), times.count > 1 else { return "\(start)." }
        let mean = times.reduce(0, +) / UInt64(times.count)
        let words = [least, mean, most].map(NetworkWords.milliseconds)
        return "\(start): least \(words[0]), mean \(words[1]), most \(words[2])."
    }
}
