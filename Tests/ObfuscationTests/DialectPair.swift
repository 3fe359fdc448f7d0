import NoisePrimitives
import Obfuscation
import TestKit
import Testing
import Tunnel
import Wire

/// Every dialect that there is, with settings that use all of it.
enum SampleDialect: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case plain, veil, veilWithSecret, amneziaWG1, amneziaWG2, amneziaWG3, amneziaWGPlain
    case swgp, swgpParanoid, swgp2026, swgpParanoid2026, lwo, wgObfuscator, wgObfuscatorSTUN, xor, xorBatch, warp

    var testDescription: String { rawValue }

    var dialect: Dialect {
        let key = ObfuscationKey(Array("a secret of both sides".utf8))
        let psk = SeededRandom(seed: 7).secret()
        func swgp(_ isParanoid: Bool, _ isDated: Bool) -> Dialect {
            .swgp(SWGPSettings(isParanoid: isParanoid, isDated: isDated, key: psk))
        }
        switch self {
        case .plain: return .plain
        case .veil: return .veil(VeilSettings())
        case .veilWithSecret: return .veil(VeilSettings(secret: key))
        case .amneziaWG1, .amneziaWG2, .amneziaWG3, .amneziaWGPlain: return .amneziaWG(amneziaWG)
        case .swgp: return swgp(false, false)
        case .swgpParanoid: return swgp(true, false)
        case .swgp2026: return swgp(false, true)
        case .swgpParanoid2026: return swgp(true, true)
        case .lwo: return .lwo
        case .wgObfuscator: return .wgObfuscator(WGObfuscatorSettings(key: key, usesSTUN: false))
        case .wgObfuscatorSTUN: return .wgObfuscator(WGObfuscatorSettings(key: key, usesSTUN: true))
        case .xor: return .xor(XORSettings(key: key))
        case .xorBatch: return .xorBatch
        case .warp: return .warp(WARPSettings(reserved: [12, 34, 56]))
        }
    }

    private var amneziaWG: AmneziaWGSettings {
        var settings = AmneziaWGSettings()
        (settings.junkCount, settings.junkMinimum, settings.junkMaximum) = (3, 40, 90)
        if self == .amneziaWGPlain { return settings }
        settings.prefixes = [15, 68, 0, 0]
        settings.headers = [11...11, 22...22, 33...33, 44...44]
        if self == .amneziaWG1 { return settings }
        settings.prefixes = [15, 68, 31, 12]
        settings.headers = [100...199, 200...299, 300...399, 400...499]
        settings.specialPackets[0] = "<b 0xc0ffee><r 30><t>"
        if self == .amneziaWG2 { return settings }
        settings.headerProtectionKey = SeededRandom(seed: 8).secret()
        settings.randomTrailers = true
        settings.disablesCookies = true
        (settings.rekeyAfterTime, settings.rejectAfterTime) = (90...130, 170...200)
        (settings.rekeyTimeout, settings.keepaliveTimeout, settings.maximumRetries) = (4...7, 8...13, 10...20)
        settings.prefixes[2] = 14
        return settings
    }

    /// Whether anything about it tells itself from WireGuard's own form.
    var isVisible: Bool { self == .plain || self == .amneziaWGPlain }

    static var hidden: [SampleDialect] { allCases.filter { !$0.isVisible } }
}

/// Two hosts that are each other's only peer: alice, at 192.0.2.1 and inside 10.0.0.1, calls bob, at 192.0.2.2 and inside 10.0.0.2.
struct DialectPair {
    let network: SimulatedNetwork
    let alice: SimulatedHost
    let bob: SimulatedHost

    /// - Parameter bobs: what bob speaks, unless it is the same.
    init(_ dialect: Dialect, bobs: Dialect? = nil, seed: UInt64 = 1, mtu: Int = 1380, bothCall: Bool = false) {
        network = SimulatedNetwork(seed: seed)
        let (random, clock) = (SeededRandom(seed: seed &* 1000), network.now)
        func host(_ address: String, _ port: UInt16) -> SimulatedHost {
            SimulatedHost(
                privateKey: random.secret(), endpoint: Endpoint(IPAddress(address)!, port: port), mtu: mtu,
                random: SeededRandom(seed: seed &* 1000 &+ UInt64(port)), now: clock)
        }
        alice = host("192.0.2.1", 1111)
        bob = host("192.0.2.2", 2222)
        for (one, other, inside) in [(alice, bob, "10.0.0.2/32"), (bob, alice, "10.0.0.1/32")] {
            network.attach(one)
            var peer = PeerChange(other.publicKey)
            peer.allowedIPs = [.add(Prefix(inside)!)]
            if one === alice || bothCall { peer.endpoint = other.endpoint }
            var change = DeviceChange()
            change.peers = [peer]
            network.change(one) { $0.apply(change, now: network.now) }
        }
        speak(alice, dialect, with: bob, isPeerServer: true)
        speak(bob, bobs ?? dialect, with: alice, isPeerServer: bothCall)
    }

    func speak(_ host: SimulatedHost, _ dialect: Dialect, with peer: SimulatedHost, isPeerServer: Bool) {
        host.speak(
            [SimulatedHost.Conversation(dialect, with: peer.publicKey, isPeerServer: isPeerServer)], now: network.now)
    }

    /// A packet from one side's address to the other's.
    func packet(from host: SimulatedHost, _ length: Int = 84, filling: String = "nightjar") -> [UInt8] {
        let addresses = [IPAddress("10.0.0.1")!, IPAddress("10.0.0.2")!]
        let (source, destination) = host === alice ? (addresses[0], addresses[1]) : (addresses[1], addresses[0])
        return SamplePacket.udp(from: source, to: destination, length: length, filling: Array(filling.utf8))
    }

    func send(from host: SimulatedHost, _ length: Int = 84, filling: String = "nightjar") {
        network.send(packet(from: host, length, filling: filling), from: host)
    }

    func run(_ seconds: Double) { network.run(for: Instant.Span(nanoseconds: UInt64(seconds * 1e9))) }

    func forget() {
        network.eavesdropper.forget()
        alice.forget()
        bob.forget()
    }
}
