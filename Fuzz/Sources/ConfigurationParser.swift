import Control
import TestKit
import Tunnel
import Wire

/// The text of the configuration socket: read whole and in pieces with the same outcome, applied to a device, printed,
/// and read back.
///
/// An input is an options byte and text.
final class ConfigurationParser: FuzzedParser {
    let share = 9
    let longestInput = 4096

    private let scopes = UAPIScopes(index: { $0 == "eth0" ? 2 : nil }, name: { $0 == 2 ? "eth0" : nil })
    private let random = SeededRandom(seed: 3)

    private enum Outcome: Equatable {
        case get, drops, names, report, initiate, set
        case refused(Int32)
        case unreadable(Int32?)
    }

    func run(_ input: inout Input) {
        let options = input.byte()
        var limits = UAPILimits()
        if options & 1 != 0 {
            limits.lineLength = 96
            limits.peers = 3
            limits.allowedIPs = 4
        }
        let text = input.all()
        let whole = Configured(random: random, isUp: options & 2 != 0)
        let outcomes = read(text, in: text.count, limits, into: whole)
        let pieces = Configured(random: random, isUp: false)
        require(
            read(text, in: 1 + Int(options >> 2), limits, into: pieces) == outcomes, "pieces are read as the whole")
        require(lasting(whole.answer(scopes)) == lasting(pieces.answer(scopes)), "pieces configure as the whole")
        checkRoundTrip(whole)
    }

    private func read(
        _ text: UnsafeRawBufferPointer, in size: Int, _ limits: UAPILimits, into target: Configured
    ) -> [Outcome] {
        var reader = UAPIRequestReader(scopes: scopes, limits: limits)
        var outcomes: [Outcome] = []
        var offset = 0
        while offset < text.count {
            let piece = ExactBuffer(text[offset..<min(offset + size, text.count)])
            offset += size
            var rest = piece.readable
            while let request = reader.next(from: &rest) {
                switch request {
                case .get: outcomes.append(.get)
                case .drops: outcomes.append(.drops)
                case .endpointNames: outcomes.append(.names)
                case .report: outcomes.append(.report)
                case .initiate(let publicKey):
                    outcomes.append(.initiate)
                    target.initiate(publicKey)
                case .set(let change):
                    outcomes.append(.set)
                    target.apply(change)
                case .refused(let failure): outcomes.append(.refused(failure.errno))
                case .unreadable(let failure): outcomes.append(.unreadable(failure?.errno))
                }
            }
            require(rest.isEmpty, "everything is taken")
        }
        require(outcomes.count <= text.count, "an operation has bytes")
        return outcomes
    }

    /// What the device says, given to another one, makes that say the same.
    private func checkRoundTrip(_ device: Configured) {
        let lines = lasting(device.answer(scopes))
        let set = ExactBuffer(Array((["set=1"] + lines + ["", ""]).joined(separator: "\n").utf8))
        let copy = Configured(random: random, isUp: false)
        let outcomes = read(set.readable, in: set.bytes.count, UAPILimits(), into: copy)
        require(outcomes == [.set], "an answer can be set")
        require(lasting(copy.answer(scopes)) == lines, "a copy of a device answers the same")
    }

    /// The lines of an answer that tell the configuration, not the state.
    private func lasting(_ answer: [UInt8]) -> [String] {
        let passing = ["errno", "last_handshake_time_sec", "last_handshake_time_nsec", "tx_bytes", "rx_bytes"]
        return String(decoding: answer, as: UTF8.self).split(separator: "\n")
            .filter { line in !passing.contains { line.hasPrefix("\($0)=") } }.map { String($0) }
    }

    var samples: [[UInt8]] {
        let key = "b85996fecc9c7f1fc6d2572a76eda11d59bcd20be8e543b15ce4bd85a8e75a33"
        let other = String(key.reversed())
        let device =
            "set=1\nprivate_key=\(key)\nlisten_port=51820\nfwmark=1\nreplace_peers=true\n"
        let peer =
            "public_key=\(other)\npreshared_key=\(key)\nendpoint=192.0.2.1:51820\npersistent_keepalive_interval=25\n"
            + "replace_allowed_ips=true\nallowed_ip=10.0.0.0/8\nallowed_ip=2001:db8::/32\nprotocol_version=1\n"
        let second = "public_key=\(key)\nendpoint=[fe80::1%eth0]:1\nallowed_ip=10.0.0.0/8\nallowed_ip=-0.0.0.0/0\n"
        let texts = [
            "get=1\n\n", "drops=1\n\nget=1\n\n", "endpoint_names=1\n\n", "report=1\n\n",
            "set=1\n" + peer + "\ninitiate=1\npublic_key=\(other)\n\n",
            "set=1\n" + peer + "endpoint_name=home.example:51820\n" + second + "endpoint_name=\n\n", device + "\n",
            device + peer + "\n", "set=1\n" + peer + second + "\n",
            "set=1\n" + peer + "\nset=1\npublic_key=\(other)\nupdate_only=true\nremove=true\n\nget=1\n\n",
            "set=1\nfoo=1\nget=1\nx\n\nget=1\n\n",
        ]
        let options: [UInt8] = [0, 3, 40]
        return texts.flatMap { text in options.map { option in [option] + Array(text.utf8) } }
    }
}

/// A device with the settings that its sockets would have.
private final class Configured {
    private let device: Device
    private let now: Moment
    private var port: UInt16 = 0
    private var mark: UInt32 = 0

    init(random: SeededRandom, isUp: Bool) {
        device = Device(shared: DeviceShared(mtu: 1420) {}, random: random)
        now = SimulatedClock().now
        if isUp { device.up(now: now) }
    }

    func apply(_ change: DeviceChange) {
        guard device.hasRoom(for: change) else { return }
        port = change.listenPort ?? port
        mark = change.firewallMark ?? mark
        device.apply(change, now: now)
        device.handleSignals(now: now)
        while device.pollTransmit() != nil {}
        while device.pollEvent() != nil {}
    }

    func initiate(_ publicKey: PublicKey) {
        _ = device.initiate(publicKey, now: now)
        while device.pollTransmit() != nil {}
        while device.pollEvent() != nil {}
    }

    func answer(_ scopes: UAPIScopes) -> [UInt8] {
        var status = device.status()
        status.listenPort = port
        status.firewallMark = mark
        return UAPIResponse.status(status, interfaceName: scopes.name)
    }
}
