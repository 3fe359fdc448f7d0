import Control
import Quick
import Tunnel
import Wire

/// The file that a peer brings its side up from.
struct ClientFile {
    var privateKey: Secret32
    var presharedKey: Secret32?
    var addresses: [Prefix]
    var nameServers: [IPAddress]
    var allowedIPs: [Prefix]
    var endpoint: EndpointName
    var serverKey: PublicKey
    /// Seconds between packets that keep a router's way to the peer open.
    static let keepalive: UInt16 = 25

    /// It holds keys.
    ///
    /// - Parameter obfuscation: the disguise, as the server has it for this peer.
    func text(_ obfuscation: ObfuscationValues) -> [UInt8] {
        var file = ConfigurationFile()
        file.interface.privateKey = privateKey
        file.interface.addresses = addresses.compactMap { InterfaceAddress($0.address, length: $0.length) }
        file.interface.dns = nameServers
        file.interface.obfuscation = obfuscation
        var peer = PeerSection(serverKey)
        peer.presharedKey = presharedKey
        peer.allowedIPs = allowedIPs.map { .add($0) }
        peer.endpoint = endpoint
        peer.persistentKeepalive = Self.keepalive
        file.peers = [peer]
        return file.printed(.quick)
    }
}
