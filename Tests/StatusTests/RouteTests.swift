import TestKit
import Testing
import Tunnel
import Wire

@testable import Status

@Suite("Rates and routes")
struct RouteTests {
    @Test func rates() throws {
        func view(_ received: UInt64, _ sent: UInt64, _ milliseconds: UInt64) throws -> InterfaceSnapshot {
            let first = Sample.status(1) {
                $0.receivedBytes = received
                $0.transmittedBytes = sent
            }
            return try Sample.snapshot([first, Sample.status(2)]) {
                $0.moment = 5_000_000_000 + milliseconds * 1_000_000
            }
        }
        let later = InterfaceView(try view(3000, 700, 500), since: try view(1000, 700, 0))
        #expect(later.peers[0].rate == TransferRate(received: 4000, sent: 0))
        #expect(later.rate == TransferRate(received: 4000, sent: 0))
        // Counters that began anew, and two looks at the same moment.
        #expect(InterfaceView(try view(10, 900, 500), since: try view(1000, 700, 0)).peers[0].rate == nil)
        #expect(InterfaceView(try view(3000, 900, 0), since: try view(1000, 700, 0)).peers[0].rate == nil)
        #expect(InterfaceView(try view(3000, 900, 0)).rate == nil)
        let huge = InterfaceView(try view(.max, .max, 1), since: try view(0, 0, 0))
        #expect(huge.rate == TransferRate(received: .max, sent: .max))
    }

    @Test func routed() {
        let routes = InterfaceRoutes(["10.8.0.0/24", "172.16.1.0/24", "172.16.2.0/24", "fd08::/64"].map(prefix))
        #expect(routes.part(of: prefix("10.8.0.7/32")) == .whole)
        #expect(routes.part(of: prefix("10.8.0.0/24")) == .whole)
        #expect(routes.part(of: prefix("10.9.0.0/24")) == .none)
        #expect(routes.part(of: prefix("172.16.0.0/12")) == .some(["172.16.1.0/24", "172.16.2.0/24"].map(prefix)))
        #expect(routes.part(of: prefix("fd08::5/128")) == .whole)
        #expect(routes.part(of: prefix("::/0")) == .some([prefix("fd08::/64")]))
        #expect(InterfaceRoutes([]).part(of: prefix("0.0.0.0/0")) == .none)
        #expect(
            InterfaceRoutes([prefix("0.0.0.0/0")]).routed([prefix("10.0.0.0/8"), prefix("::/0")]) == [
                prefix("10.0.0.0/8")
            ])
    }

    /// Against looking at every route.
    @Test func likeASlowModel() {
        let random = SeededRandom(seed: 11)
        func draw(_ count: UInt32) -> UInt32 { UInt32(truncatingIfNeeded: random.next() >> 32) % count }
        func network() -> Prefix {
            Prefix(.v4(IPv4Address(draw(8) << 29 | draw(4) << 8)), length: Int(draw(33)))!
        }
        for _ in 0..<300 {
            let all = (0..<draw(12)).map { _ in network() }
            let routes = InterfaceRoutes(all)
            let asked = network()
            let covers = all.contains { $0.length <= asked.length && Prefix(asked.address, length: $0.length) == $0 }
            let within = Set(
                all.filter { $0.length > asked.length && Prefix($0.address, length: asked.length) == asked })
            switch routes.part(of: asked) {
            case .whole: #expect(covers)
            case .some(let found): #expect(!covers && Set(found) == within && found.count == within.count)
            case .none: #expect(!covers && within.isEmpty)
            }
        }
    }
}
