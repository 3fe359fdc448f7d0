import NoisePrimitives
import TestKit
import Testing
import Wire

@testable import Tunnel

@Suite("Timestamps and padding")
struct TAI64NTests {
    private func bytes(_ timestamp: TAI64N) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 12)
        bytes.withUnsafeMutableBytes { timestamp.store(to: $0.baseAddress!) }
        return bytes
    }

    @Test(
        "Labels of moments",
        arguments: [
            (0, 0, "400000000000000a00000000"), (1_700_000_000, 0x0712_3456, "400000006553f10a07000000"),
            (-10, 0, "400000000000000000000000"), (-11, 0, "3fffffffffffffff00000000"),
            (1, 999_999_999, "400000000000000b3b000000"), (4_294_967_296, 0xff_ffff, "400000010000000a00000000"),
        ] as [(Int64, UInt32, String)])
    func labels(_ seconds: Int64, _ nanoseconds: UInt32, _ expected: String) {
        let timestamp = TAI64N(WallTime(seconds: seconds, nanoseconds: nanoseconds))
        #expect(bytes(timestamp) == hex(expected))
        let loaded = hex(expected).withUnsafeBytes { TAI64N(loading: $0.baseAddress!) }
        #expect(loaded == timestamp)
    }

    @Test("Order is that of the bytes, and a successor is always later")
    func order() {
        let random = SeededRandom(seed: 64)
        for _ in 0..<2000 {
            let time = WallTime(seconds: Int64(random.below(4)), nanoseconds: UInt32(random.below(1_000_000_000)))
            let other = WallTime(seconds: Int64(random.below(4)), nanoseconds: UInt32(random.below(1_000_000_000)))
            let (first, second) = (TAI64N(time), TAI64N(other))
            #expect((first < second) == bytes(first).lexicographicallyPrecedes(bytes(second)))
            #expect(first < first.successor)
            #expect(bytes(first.successor)[9...] == [0, 0, 0])
        }
        let last = TAI64N(WallTime(seconds: 7, nanoseconds: 999_999_999))
        #expect(last.successor == TAI64N(WallTime(seconds: 8, nanoseconds: 0)))
    }

    @Test("Initiations stay acceptable when the wall clock is set back or stands still")
    func monotone() {
        let pair = Pair()
        for step in 0..<10 {
            pair.network.shiftWall(bySeconds: step.isMultiple(of: 3) ? -86_400 : 1)
            pair.sendFromAlice()
            pair.run(1)
            #expect(pair.bob.delivered.count == step + 1)
            pair.run(600)
        }
        #expect(pair.count(.initiation, from: pair.alice) == 10)
        #expect(pair.bob.shared.drops[.initiationReplayed] == 0)
    }

    @Test("Many peers called at once get the time as it is")
    func manyPeers() throws {
        let pair = Pair()
        let others = (0..<200).map { PublicKey(SeededRandom(seed: UInt64($0) + 77).bytes32()) }
        pair.network.change(pair.alice) { device in
            for other in others {
                device.apply(other, now: pair.network.now) { peer in
                    peer.endpoint = endpoint("192.0.2.9", 9)
                    peer.persistentKeepalive = 25
                }
            }
        }
        pair.run(0)
        #expect(pair.count(.initiation, from: pair.alice) == 200)
        let now = TAI64N(pair.network.now.wall)
        for other in others {
            #expect(pair.alice.peer(other)?.handshake.lastTimestampSent == now)
        }
    }

    @Test(
        "Padding to 16, not beyond the MTU",
        arguments: [
            (84, 1420, 96), (1410, 1420, 1420), (1420, 1420, 1420), (1297, 1299, 1299), (0, 1420, 0), (1, 1420, 16),
            (16, 1420, 16), (17, 1420, 32), (1297, 0, 1312), (1408, 1420, 1408), (1409, 1420, 1420),
            (1421, 1420, 1436), (2840, 1420, 2840), (65_535, 0, 65_536),
        ])
    func padding(_ length: Int, _ mtu: Int, _ expected: Int) {
        #expect(paddedLength(length, mtu: mtu) == expected)
    }

    @Test func paddingRules() {
        for mtu in [0, 576, 1280, 1299, 1420, 1500] {
            for length in 0...1500 {
                let padded = paddedLength(length, mtu: mtu)
                #expect(padded >= length && padded < length + 16)
                if mtu == 0 || length > mtu { continue }
                #expect(padded.isMultiple(of: 16) || padded == mtu)
                #expect(padded <= mtu)
            }
        }
    }
}
