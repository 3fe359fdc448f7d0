import Glibc
import NoisePrimitives
import TestKit
import Testing
import Wire

@testable import LinuxNet

/// What comes back for echo requests, and what the network says of packets that it doesn't deliver.
struct EchoTests {
    private let message = EchoMessage(identifier: 0x1234, mark: 0x0102_0304_0506_0708)
    private let v4 = IPAddress("192.0.2.1")!
    private let v6 = IPAddress("2001:db8::1")!

    private func header(_ isIPv6: Bool, _ payload: [UInt8]) -> [UInt8] {
        if isIPv6 {
            return [0x60, 0, 0, 0, 0, UInt8(payload.count), 58, 64] + [UInt8](repeating: 0, count: 32) + payload
        }
        return [0x45, 0, 0, UInt8(20 + payload.count), 0, 0, 0, 0, 64, 1] + [UInt8](repeating: 0, count: 10) + payload
    }

    private func answer(_ bytes: [UInt8], from sender: IPAddress) -> EchoMessage.Answer? {
        bytes.withUnsafeBytes { message.answer(in: $0, from: sender) }
    }

    /// A reply as a raw socket gives it.
    private func reply(_ isIPv6: Bool, _ change: (inout [UInt8]) -> Void = { _ in }) -> [UInt8] {
        var bytes = message.request(sequence: 77, size: 64, isIPv6: isIPv6)
        bytes[0] = isIPv6 ? 129 : 0
        change(&bytes)
        return isIPv6 ? bytes : header(false, bytes)
    }

    private func error(_ isIPv6: Bool, _ type: UInt8, _ code: UInt8, _ information: UInt32 = 0) -> [UInt8] {
        let request = message.request(sequence: 77, size: 64, isIPv6: isIPv6)
        let start = [type, code, 0, 0] + withUnsafeBytes(of: information.bigEndian) { Array($0) }
        let bytes = start + header(isIPv6, Array(request.prefix(8)))
        return isIPv6 ? bytes : header(false, bytes)
    }

    @Test func requestsHaveTheirChecksum() {
        let bytes = message.request(sequence: 1, size: 84, isIPv6: false)
        #expect(bytes.count == 84 && bytes[0] == 8)
        #expect(bytes.withUnsafeBytes { Checksum.isRight(Checksum.sum($0.baseAddress!, count: $0.count)) })
        #expect(message.request(sequence: 1, size: 0, isIPv6: true).count == EchoMessage.leastSize)
    }

    @Test func replies() {
        for (isIPv6, sender) in [(false, v4), (true, v6)] {
            #expect(answer(reply(isIPv6), from: sender) == .reply(sequence: 77))
            // Another program's, by identifier or by mark, and our own request on the loopback interface.
            #expect(answer(reply(isIPv6) { $0[5] ^= 1 }, from: sender) == nil)
            #expect(answer(reply(isIPv6) { $0[9] ^= 1 }, from: sender) == nil)
            #expect(answer(reply(isIPv6) { $0[0] = isIPv6 ? 128 : 8 }, from: sender) == nil)
        }
    }

    @Test func errors() {
        let cases: [(isIPv6: Bool, type: UInt8, code: UInt8, NetworkRefusal.Reason)] = [
            (false, 3, 3, .portUnreachable), (false, 3, 1, .hostUnreachable), (false, 3, 0, .networkUnreachable),
            (false, 3, 13, .prohibited), (false, 3, 4, .packetTooLarge(mtu: 1280)), (false, 11, 0, .hopsExceeded),
            (false, 3, 5, .other(type: 3, code: 5)), (true, 1, 4, .portUnreachable), (true, 1, 3, .hostUnreachable),
            (true, 1, 0, .networkUnreachable), (true, 1, 1, .prohibited), (true, 2, 0, .packetTooLarge(mtu: 1280)),
            (true, 3, 0, .hopsExceeded), (true, 4, 0, .other(type: 4, code: 0)),
        ]
        for (isIPv6, type, code, reason) in cases {
            let sender = isIPv6 ? v6 : v4
            let refusal = EchoMessage.Answer.refused(sequence: 77, NetworkRefusal(reason, from: sender))
            #expect(answer(error(isIPv6, type, code, 1280), from: sender) == refusal, "\(type) \(code)")
        }
    }

    @Test func hostileMessages() {
        let random = SeededRandom(seed: 5)
        for (isIPv6, sender) in [(false, v4), (true, v6)] {
            for whole in [reply(isIPv6), error(isIPv6, isIPv6 ? 1 : 3, 3)] {
                for count in 0...whole.count { _ = answer(Array(whole.prefix(count)), from: sender) }
                for _ in 0..<20_000 {
                    var bytes = whole
                    for _ in 0...random.below(4) {
                        bytes[Int(random.below(UInt64(bytes.count)))] = UInt8(truncatingIfNeeded: random.below(256))
                    }
                    _ = answer(Array(bytes.prefix(Int(random.below(UInt64(bytes.count + 1))))), from: sender)
                }
            }
        }
    }

    /// The error queue as the kernel fills it, whole and in pieces.
    @Test func errorQueue() {
        var extended = [UInt8](repeating: 0, count: 16)
        extended[4] = 2
        extended[5] = 3
        extended[6] = 13
        let sender: [UInt8] = [2, 0, 0, 0, 192, 0, 2, 1] + [UInt8](repeating: 0, count: 8)
        let length = UInt64(16 + 32)
        let area =
            withUnsafeBytes(of: length) { Array($0) } + [0, 0, 0, 0, 11, 0, 0, 0] + extended + sender
        func read(_ bytes: [UInt8]) -> NetworkRefusal? {
            bytes.withUnsafeBytes { NetworkRefusal(errorQueue: $0) }
        }
        #expect(read(area) == NetworkRefusal(.prohibited, from: v4))
        for count in 0..<area.count { #expect(read(Array(area.prefix(count))) == nil) }
        let random = SeededRandom(seed: 6)
        for _ in 0..<20_000 {
            var bytes = area
            for _ in 0...random.below(4) {
                bytes[Int(random.below(UInt64(bytes.count)))] = UInt8(truncatingIfNeeded: random.below(256))
            }
            _ = read(bytes)
        }
    }

    /// On the loopback interface: a port that nobody has refuses, one that somebody has is silent.
    @Test func ports() throws {
        let socket = try UDPSocket.bind(.v4, port: 0)
        let loopback = try #require(IPAddress("127.0.0.1"))
        let other = try UDPSocket.bind(.v4, port: 0)
        let closed = other.port
        _ = consume other
        let probe = PortProbe([Endpoint(loopback, port: socket.port), Endpoint(loopback, port: closed)], mark: 0)
        probe.send([1, 2, 3])
        probe.wait(milliseconds: 100)
        #expect(probe.answers == [.silence, .refused(NetworkRefusal(.portUnreachable, from: loopback))])
        withExtendedLifetime(socket) {}
    }

    @Test(.enabled(if: geteuid() == 0, "needs root for raw sockets")) func echoes() throws {
        for text in ["127.0.0.1", "::1"] {
            let address = try #require(IPAddress(text))
            let echoes = EchoSockets(interface: nil)
            guard let number = try? echoes.send(to: address) else { continue }
            guard case .reply(number, let sender, _) = echoes.wait(milliseconds: 2000).first else {
                Issue.record("no answer from \(text)")
                continue
            }
            #expect(sender == address)
        }
    }
}
