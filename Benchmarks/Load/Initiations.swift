import LinuxNet
import NoisePrimitives
import TestKit
import Tunnel
import Wire

/// Initiations made ahead of time, so that sending them costs next to nothing.
enum Initiations {
    /// Initiations of many peers to one responder, turn by turn: one of each peer, then the next one of each. They are
    /// good for one use, within seconds.
    ///
    /// - Parameters:
    ///   - secrets: the peers' private keys.
    ///   - turns: how many each peer makes.
    static func genuine(from secrets: [Secret32], to responder: PublicKey, turns: Int) async -> Datagrams {
        let datagrams = Datagrams(count: secrets.count * turns)
        await withTaskGroup(of: (Int, [[UInt8]]).self) { group in
            for (index, secret) in secrets.enumerated() {
                group.addTask { (index, messages(from: secret, to: responder, count: turns)) }
            }
            for await (index, messages) in group {
                for (turn, message) in messages.enumerated() {
                    datagrams[turn * secrets.count + index].copyBytes(from: message)
                }
            }
        }
        return datagrams
    }

    /// `count` initiations of random bytes whose MAC1 is right, so that `responder` must do an X25519 to refuse them.
    static func junk(for responder: PublicKey, count: Int) -> Datagrams {
        let datagrams = Datagrams(count: count)
        let random = SeededRandom(seed: Clock.bootTime())
        let key = responder.bytes.withUnsafeBytes { responder in
            Array("mac1----".utf8).withUnsafeBytes { BLAKE2s.hash($0, responder) }
        }
        for index in 0..<count {
            let message = datagrams[index]
            random.fill(message)
            let start = message.baseAddress!
            start.storeLittleEndian(Message.Kind.initiation.rawValue, at: 0)
            let end = message.count - 2 * Message.macSize
            let mac1 = key.withUnsafeBytes { key in
                BLAKE2s.mac(key: key, UnsafeRawBufferPointer(rebasing: message[..<end]))
            }
            mac1.store(to: start + end)
        }
        return datagrams
    }

    /// A device of the protocol core sends them, one whenever its clock lets it. Its wall clock runs slower, so that
    /// the last timestamp is not far from now.
    private static func messages(from secret: Secret32, to responder: PublicKey, count: Int) -> [[UInt8]] {
        let timestampStep = 20
        let wall = Clock.wallTime()
        var moment = Moment(
            instant: Instant(nanoseconds: Clock.bootTime()),
            wall: WallTime(seconds: wall.seconds, nanoseconds: wall.nanoseconds))
        let host = SimulatedHost(
            privateKey: secret, endpoint: Endpoint(inside, port: 1), random: SystemRandomSource(), now: moment)
        host.perform(now: moment) { device in
            var peer = PeerChange(responder)
            peer.endpoint = Endpoint(inside, port: 2)
            peer.allowedIPs = [.add(Prefix(inside, length: 0)!)]
            var change = DeviceChange()
            change.peers = [peer]
            device.apply(change, now: moment)
        }
        let packet = SamplePacket.udp(from: inside, to: inside)
        return (0..<count).map { _ in
            host.send(packet, now: moment)
            moment.instant = moment.instant + Limits.rekeyTimeout + .seconds(1)
            moment.wall = later(moment.wall, milliseconds: timestampStep)
            let sent = host.takeOutbox()
            precondition(sent.count == 1 && sent[0].kind == .initiation, "a packet asks for one handshake")
            return sent[0].payload
        }
    }

    private static func later(_ time: WallTime, milliseconds: Int) -> WallTime {
        let nanoseconds = Int(time.nanoseconds) + milliseconds * 1_000_000
        return WallTime(
            seconds: time.seconds + Int64(nanoseconds / 1_000_000_000),
            nanoseconds: UInt32(nanoseconds % 1_000_000_000))
    }

    private static let inside = IPAddress.v4(IPv4Address(0x0a00_0001))
}
