import NoisePrimitives
import TestKit
import Wire

@testable import Tunnel

/// Handshake messages with right MACs, and mostly with right tags, by somebody who knows all that a peer knows: with
/// arbitrary contents, and altered afterwards.
final class HandshakeParser: FuzzedParser {
    let share = 3
    let longestInput = 256

    private let lowOrder = Bytes32()
    private var world = World()
    private var runs = 0
    private lazy var maker = RogueMessages(world)

    private enum Mode: UInt8 {
        case initiation, response, cookieReply, anything
    }

    func run(_ input: inout Input) {
        runs += 1
        if runs.isMultiple(of: 20_000) {
            world = World()
            maker = RogueMessages(world)
        }
        // A timestamp from the end of time would let nothing follow.
        if runs.isMultiple(of: 64) { world.renewRogue() }
        let options = input.byte()
        world.pass(input.byte())
        world.host.waitingHandshakes = options & 4 == 0 ? 0 : Limits.underLoadQueue
        let source = options & 8 == 0 ? world.rogueEndpoint : World.endpoint(input.byte())
        _ = world.host.takeOutbox()
        guard var message = makeMessage(Mode(rawValue: options & 3).unsafelyUnwrapped, &input) else {
            return world.settle()
        }
        alter(&message, &input)
        if options & 16 == 0 { maker.stamp(&message) }
        receive(message, from: source)
        world.settle()
    }

    private func makeMessage(_ mode: Mode, _ input: inout Input) -> [UInt8]? {
        switch mode {
        case .initiation:
            let claimed = claimedKey(&input)
            let sender = input.number(UInt32.self)
            // Right now, so that it is newer than the last, or whatever the input says.
            let timestamp = input.byte() & 1 == 0 ? nil : Array(input.bytes(TAI64N.size))
            return maker.initiation(claiming: claimed, sender: sender, timestamp: timestamp)
        case .response:
            return initiationOfHost().flatMap { maker.response(to: $0, sender: input.number(UInt32.self)) }
        case .cookieReply:
            return initiationOfHost().map { maker.cookieReply(to: $0) }
        case .anything:
            let size = input.byte() & 1 == 0 ? Message.Initiation.size : Message.Response.size
            let contents = Array(input.bytes(size))
            return contents + [UInt8](repeating: 0, count: size - contents.count)
        }
    }

    private func claimedKey(_ input: inout Input) -> Bytes32 {
        switch input.byte() & 7 {
        case 0..<4: world.rogue.publicKey.bytes
        case 4: world.friend.publicKey.bytes
        case 5: world.host.publicKey.bytes
        case 6: lowOrder
        default: Bytes32(Array(input.bytes(32))) ?? lowOrder
        }
    }

    /// What the host sends when it wants a session with the rogue.
    private func initiationOfHost() -> [UInt8]? {
        world.advance(by: Limits.rekeyTimeout)
        _ = world.host.takeOutbox()
        world.host.perform(now: world.now) { device in
            device.sendInitiation(to: world.roguePeer, isRetry: false, now: world.now)
        }
        return world.host.takeOutbox().first { $0.kind == .initiation }?.payload
    }

    /// Flips bits where the rest of the input says so: pairs of a place and of what is flipped there.
    private func alter(_ message: inout [UInt8], _ input: inout Input) {
        while !input.isEmpty {
            let place = Int(input.byte()) % message.count
            message[place] ^= input.byte()
        }
    }

    private func receive(_ message: [UInt8], from source: Endpoint) {
        let host = world.host
        let (accepted, drops) = (world.acceptedBytes, host.drops)
        host.receive(Datagram(source: source, destination: host.endpoint, payload: message), now: world.now)
        let answers = host.takeOutbox()
        for answer in answers where answer.kind == .cookieReply {
            require(host.device.isUnderLoad(at: world.now.instant), "cookies are for times of load")
            maker.take(answer.payload)
        }
        require(host.drops <= drops + 1, "a message is counted as dropped once at most")
        let bytes = answers.reduce(0) { $0 + $1.payload.count }
        require(bytes <= message.count, "an answer is no longer than the question")
        if world.acceptedBytes == accepted {
            require(answers.allSatisfy { $0.kind == .cookieReply }, "only cookies go to those who prove nothing")
        }
    }

    var samples: [[UInt8]] {
        let rogue: [UInt8] = [0, 1, 2, 3, 4]
        let ones = [UInt8](repeating: 0xff, count: 148)
        var samples: [[UInt8]] = []
        // Options, time, who claims to send, the sender's index, and whether a timestamp follows.
        samples += [[0, 100] + rogue + [0], [4, 100] + rogue + [0], [8, 100, 6] + rogue + [0]]
        samples += [[0, 100] + rogue + [1] + ones[..<12], [0, 100, 6, 1, 2, 3, 4, 0]]
        samples += [[0, 100, 7] + ones[..<32] + [1, 2, 3, 4, 0]]
        // The same, altered before or after the MACs are made.
        samples += [[0, 100] + rogue + [0, 60, 1], [16, 100] + rogue + [0, 120, 1]]
        samples += [
            [1, 100, 1, 2, 3, 4], [5, 100, 1, 2, 3, 4], [1, 100, 1, 2, 3, 4, 50, 1], [2, 100], [2, 100, 40, 1],
        ]
        samples += [[3, 100, 0, 1, 0, 0, 0] + ones[..<144], [3, 100, 1, 2, 0, 0, 0], [7, 100, 0, 1, 0, 0, 0, 9]]
        return samples
    }
}
