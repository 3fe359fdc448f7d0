import Glibc
import LinuxNet
import Tunnel
package import Wire

extension UserspaceDevice {
    /// The names that the endpoints of peers were given by, for those that have one. None from programs other than
    /// Nightjar, which know only addresses.
    package func endpointNames() -> [PublicKey: String] {
        guard let answer = try? ask(Array("endpoint_names=1\n\n".utf8)) else { return [:] }
        var names: [PublicKey: String] = [:]
        var peer: PublicKey?
        for line in String(decoding: answer, as: UTF8.self).split(separator: "\n") {
            let pair = line.split(separator: "=", maxSplits: 1)
            guard pair.count == 2 else { continue }
            if pair[0] == "public_key" {
                peer = Hex.decode(pair[1].utf8).map(PublicKey.init)
            } else if pair[0] == "endpoint_name", let peer {
                names[peer] = String(pair[1])
            }
        }
        return names
    }

    /// Tells the names in a change that has taken effect, for the program to look them up again when a peer is silent.
    /// Apart from the change itself, since programs other than Nightjar refuse them, which is no failure.
    func setEndpointNames(_ change: DeviceChange) {
        var request = UAPIWriter(capacity: 512)
        request.append("set=1\n")
        var isEmpty = true
        for peer in change.peers where !peer.removes {
            guard let name = peer.endpointName else { continue }
            isEmpty = false
            request.line(.publicKey, key: peer.publicKey.bytes)
            request.flag(.updateOnly)
            request.key(.endpointName)
            request.append(name)
            request.append("\n")
        }
        request.append("\n")
        if !isEmpty { _ = try? ask(request.bytes) }
    }

    /// The answer to one operation, which has no secrets in it.
    func ask(_ request: [UInt8]) throws(SystemError) -> [UInt8] {
        let exchange = try UAPIExchange(path, "ask the program that serves \(interface)")
        try exchange.send(request)
        var answer: [UInt8] = []
        return try exchange.receive { bytes in
            answer += bytes
            guard answer.count <= longestAnswer else { return [] }
            return answer.suffix(2).elementsEqual([10, 10]) ? answer : nil
        }
    }
}

/// Bytes: names for a hundred thousand peers and more.
private let longestAnswer = 64 << 20
