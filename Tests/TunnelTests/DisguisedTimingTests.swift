import NoisePrimitives
import TestKit
import Testing
import Wire

@testable import Tunnel

/// What a disguise says about times that no peer's settings say.
@Suite struct DisguisedTimingTests {
    /// WireGuard's own form, with a persistent keepalive after a part of its interval.
    private final class Unsteady: Disguise {
        var dialect: Int { plainDialect }
        var timing: Timing {
            var timing = Timing()
            timing.persistentKeepaliveShare = 60...100
            return timing
        }

        func conceal(_ run: DataRun, random: inout KeystreamGenerator) {}

        func encode(
            _ handshake: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer, at now: Moment,
            random: inout KeystreamGenerator
        ) -> Int {
            output.copyMemory(from: handshake)
            return handshake.count
        }
    }

    /// Seconds between what alice sends in an hour in which nothing is said.
    private func pauses(_ change: (inout PeerChange) -> Void) -> [Double] {
        let pair = Pair()
        pair.alice.device.setDisguise(Unsteady(), for: pair.bob.publicKey)
        pair.change(pair.alice, peer: pair.bob, change)
        pair.establish()
        pair.seen.forget()
        pair.run(3600)
        let times = pair.seen.keepalives().map(\.time)
        return zip(times.dropFirst(), times).map { $0.seconds(since: $1) }
    }

    @Test func aPersistentKeepaliveComesAfterAPartOfItsInterval() {
        // Those that follow a handshake at once aside.
        let pauses = pauses { $0.persistentKeepalive = 25 }.filter { $0 > 1 }
        #expect(pauses.count > 100)
        #expect(pauses.allSatisfy { (14.99...25.5).contains($0) })
        #expect(pauses.min()! < 16 && pauses.max()! > 24)
        #expect(Set(pauses.map { Int($0 * 10) }).count > 50)
    }

    @Test func aRangeOfItsOwnIsKept() {
        let pauses = pauses {
            $0.persistentKeepalive = 22
            $0.persistentKeepaliveMaximum = 30
        }.filter { $0 > 1 }
        #expect(pauses.count > 100)
        #expect(pauses.allSatisfy { (21.99...30.5).contains($0) })
        #expect(pauses.min()! < 23 && pauses.max()! > 29)
    }
}
