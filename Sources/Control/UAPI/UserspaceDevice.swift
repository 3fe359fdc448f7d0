import Glibc
package import LinuxNet
package import Tunnel
import Wire

/// A WireGuard interface that a program serves through its configuration socket: Nightjar, wireguard-go or another one.
package struct UserspaceDevice: DeviceAccess {
    package let interface: String
    let path: String

    init(interface: String, path: String) {
        self.interface = interface
        self.path = path
    }

    package func status() throws(SystemError) -> DeviceStatus {
        let attempt = "read the configuration of \(interface)"
        let exchange = try UAPIExchange(path, attempt)
        try exchange.send(Array("get=1\n\n".utf8))
        var reader = UAPIAnswerReader<UAPIStatusAnswer>(scopes: .system)
        return try exchange.receive { (bytes) throws(SystemError) in
            do throws(UAPIFailure) {
                return try reader.read(bytes)
            } catch {
                throw SystemError(error.errno, attempt, advice: error == .malformed ? strangeAnswer : nil)
            }
        }
    }

    package func apply(_ change: DeviceChange) throws(SystemError) {
        let change = try spelledOut(change)
        do {
            try set(change)
        } catch {
            // Implementations older than 2025 can't remove single allowed IPs.
            guard error.code == EINVAL, change.removesAllowedIPs else { throw error }
            try set(change.withoutRemovals(from: status()))
        }
        setEndpointNames(change)
    }

    /// The change without "forget all disguises", which other programs wouldn't understand: instead it takes back what was
    /// said.
    private func spelledOut(_ change: DeviceChange) throws(SystemError) -> DeviceChange {
        var change = change
        if let wanted = change.obfuscation, wanted.replacesAll {
            var settings = ObfuscationSettings()
            settings.apply(wanted)
            change.obfuscation = try status().obfuscation.difference(to: settings)
        }
        return change
    }

    private func set(_ change: DeviceChange) throws(SystemError) {
        let attempt = "change the configuration of \(interface)"
        let exchange = try UAPIExchange(path, attempt)
        var request = UAPISetWriter.bytes(change, interfaceName: UAPIScopes.system.name)
        defer { request.wipe() }
        try exchange.send(request)
        var reader = UAPIAnswerReader<UAPIStatusAnswer>(scopes: .system)
        _ = try exchange.receive { (bytes) throws(SystemError) in
            do throws(UAPIFailure) {
                return try reader.read(bytes)
            } catch {
                throw SystemError(error.errno, attempt, advice: Self.advice(error, change))
            }
        }
    }

    private static func advice(_ failure: UAPIFailure, _ change: DeviceChange) -> String? {
        switch failure.errno {
        case EINVAL where change.changesDisguises:
            "the program that serves it doesn't know this obfuscation, or something in it is missing or doesn't fit; "
                + "Nightjar's log tells what"
        case EINVAL: "the program that serves it refuses one of the values"
        case EPROTO: strangeAnswer
        case E2BIG: "too many peers or allowed IPs for the program that serves it"
        default: nil
        }
    }
}

private let strangeAnswer = "the program that serves it answers what isn't WireGuard's"

extension DeviceChange {
    /// Whether it says something about a disguise.
    var changesDisguises: Bool {
        obfuscation?.values.isEmpty == false || peers.contains { $0.obfuscation?.values.isEmpty == false }
    }

    var removesAllowedIPs: Bool {
        peers.contains { $0.allowedIPs.contains { if case .remove = $0 { true } else { false } } }
    }

    /// The same change for an implementation that can only add or replace allowed IPs.
    func withoutRemovals(from status: DeviceStatus) -> DeviceChange {
        var lists: [PublicKey: [Prefix]] = [:]
        if !replacesPeers { for peer in status.peers { lists[peer.publicKey] = peer.allowedIPs } }
        var result = self
        result.peers = peers.map { peer in
            var list = peer.replacesAllowedIPs ? [] : lists[peer.publicKey] ?? []
            for allowedIP in peer.allowedIPs {
                switch allowedIP {
                case .add(let prefix): if !list.contains(prefix) { list.append(prefix) }
                case .remove(let prefix): list.removeAll { $0 == prefix }
                }
            }
            lists[peer.publicKey] = peer.removes ? nil : list
            guard !peer.removes, !peer.allowedIPs.isEmpty else { return peer }
            var peer = peer
            peer.replacesAllowedIPs = true
            peer.allowedIPs = list.map { .add($0) }
            return peer
        }
        return result
    }
}
