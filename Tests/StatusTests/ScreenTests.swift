import Control
import TestKit
import Testing
import Tunnel
import Wire

@testable import Status

@Suite("Screens")
struct ScreenTests {
    private static let file = """
        [Interface]
        PrivateKey = \(PublicKey(Bytes32((0..<32).map { UInt8($0) })!).base64)

        [Peer]
        # Name = laptop
        PublicKey = \(Sample.key(1).base64)

        [Peer]
        # Name = 電話 of Zoë
        PublicKey = \(Sample.key(2).base64)

        #[disabled] [Peer]
        #[disabled] # Name = tablet
        #[disabled] PublicKey = \(Sample.key(3).base64)
        """

    /// An interface with a peer in each of the usual states.
    private func interface(_ moment: UInt64 = 0, received: UInt64 = 0) throws -> InterfaceSnapshot {
        let laptop = Sample.status(1) {
            $0.endpoint = endpoint("203.0.113.7:41234")
            $0.receivedBytes = 5 << 30 + received
            $0.transmittedBytes = 830 << 20
            $0.allowedIPs = [prefix("10.8.0.2"), prefix("192.168.7.0/24")]
            $0.persistentKeepalive = 25
        }
        let phone = Sample.status(2) {
            $0.endpoint = endpoint("198.51.100.7:51820")
            $0.allowedIPs = [prefix("10.8.0.3")]
            $0.dialect = .veil
        }
        let reports = [
            Sample.report(1) { $0.handshake = seconds(34) },
            Sample.report(2) {
                $0.endpointName = "phone.example.org:51820"
                $0.unanswered = 19
                $0.handshake = seconds(420)
                $0.annotation.expires = 1_796_083_200
                $0.annotation.quota = 50 << 30
                $0.quotaUsed = 3 << 30
                $0.foreignSources = 4
                $0.foreignSource = IPAddress("172.16.0.9")
            },
        ]
        return try Sample.snapshot([laptop, phone], reports, file: Self.file) {
            $0.moment = moment
            $0.report?.drops = [
                .init("unknown-session", 4), .init("source-not-allowed", 12), .init("rate-limited", 0),
            ]
            $0.report?.stranger = .init(
                publicKey: Sample.key(77), endpoint: endpoint("192.0.2.66:7777"), age: seconds(9))
            $0.report?.mismatch = .init(
                finding: "it is veil\u{1b}[2J under another key", endpoint: endpoint("192.0.2.67:1"), age: seconds(601))
        }
    }

    private func overview() throws -> Overview {
        var overview = Overview()
        let later = try interface(1_000_000_000, received: 3 << 20)
        overview.interfaces = [
            InterfaceView(later, since: try interface(), routes: InterfaceRoutes([prefix("10.8.0.0/24")]))
        ]
        return overview
    }

    @Test func at80Columns() throws {
        let lines = StatusText(width: 80).lines(try overview())
        #expect(lines.allSatisfy { $0.columns <= 80 })
        #expect(
            lines.map(\.text).joined(separator: "\n") == """
                wg0: healthy, 1 of 3 peers connected, 1 silent, 1 off
                  Nightjar, up for 2 hours, port 51820, MTU 1420, /etc/wireguard/wg0.conf
                  received 5.00 GiB, sent 830 MiB; right now 3.00 MiB/s in, 0 B/s out
                  dropped: 12 source-not-allowed, 4 unknown-session
                  a stranger called 9 seconds ago from 192.0.2.66:7777 with the key
                    \(Sample.key(77).base64), which no peer here has

                  PEER         HEALTH   HANDSHAKE       IN/s     OUT/s  RECEIVED      SENT
                  laptop       healthy  34 s ago    3.00 MiB         -  5.00 GiB   830 MiB
                    endpoint 203.0.113.7:41234, keepalive every 25 s
                    routes to 10.8.0.2; accepts from 10.8.0.2, 192.168.7.0/24
                  電話 of Zoë  silent   7 min ago          -         -         -         -
                    19 initiations without an answer since the handshake 7 minutes ago
                    endpoint 198.51.100.7:51820 (phone.example.org:51820), obfuscation veil
                    routes to and accepts from 10.8.0.3
                    may be used until 2026-11-30, has used 3.00 GiB of 50.0 GiB
                    4 packets from addresses that aren't accepted from it, the last one
                      172.16.0.9
                  tablet       off
                    it is switched off in the file
                """)
    }

    @Test func noTerminalNoLimit() throws {
        let bytes = StatusText.bytes(StatusText(width: nil).lines(try overview()), isColoured: false)
        #expect(!bytes.contains(0x1b))
        #expect(bytes.last == UInt8(ascii: "\n"))
        let text = String(decoding: bytes, as: UTF8.self)
        #expect(text.contains("the last one 172.16.0.9\n"))
    }

    @Test func manyPeersHaveALineEach() throws {
        let peers = (0..<150).map { number in
            Sample.status(UInt8(number)) {
                $0.allowedIPs = [prefix("10.8.0.\(number)"), prefix("fd08::\(number)")]
                $0.endpoint = endpoint("[2001:db8::\(number)]:51820")
            }
        }
        var overview = Overview()
        overview.interfaces = [InterfaceView(try Sample.snapshot(peers))]
        overview.failures = [.init(name: "wg1", reason: "cannot read it")]
        let wide = StatusText(width: nil).lines(overview).map(\.text)
        #expect(wide.count == 3 + 1 + 1 + 150 + 2)
        #expect(wide.contains { $0.hasSuffix("[2001:db8::149]:51820  10.8.0.149, fd08::149") })
        #expect(wide.last == "wg1: broken, cannot read it")
        for width in [20, 80, 120] {
            #expect(
                StatusText(width: width).lines(overview).allSatisfy { $0.columns <= width || $0.text.contains("wg1") })
        }
    }

    @Test func watching() throws {
        let overview = try overview()
        let rows = WatchState.Order.name.sorted(WatchRow.rows(overview), isReversed: false)
        let screen = WatchScreen(overview, rows: rows, state: WatchState(), size: (80, 12), time: "06:26:29")
        #expect(
            screen.lines.map(\.text).joined(separator: "\n") == """
                 nightjar status: 1 of 3 peers connected                               06:26:29\u{20}
                wg0: healthy, 1 of 3 peers connected, 1 silent, 1 off; 3.00 MiB/s in, 0 B/s out
                dropped: 12 source-not-allowed, 4 unknown-session

                PEER↓        HEALTH   HANDSHAKE       IN/s     OUT/s  RECEIVED      SENT
                laptop       healthy  34 s ago    3.00 MiB         -  5.00 GiB   830 MiB
                tablet       off
                電話 of Zoë  silent   7 min ago          -         -         -         -



                [q]uit  [p]ause  sort: [n]ame h[e]alth [h]andshake [i]n [o]ut [r]eceived [s]ent\u{20}
                """)
    }

    /// No size of a terminal is too small to draw on, and none gets more than it has.
    @Test func everySize() throws {
        var overview = try overview()
        overview.interfaces += overview.interfaces
        let rows = WatchRow.rows(overview)
        for columns in [1, 2, 9, 20, 40, 79, 80, 81, 120, 200] {
            for height in 1...30 {
                var state = WatchState()
                _ = state.press(.end, rows: rows.count, page: 1)
                let screen = WatchScreen(
                    overview, rows: rows, state: state, size: (columns, height), time: "06:26:29")
                let lines = screen.lines
                #expect(lines.count == height)
                #expect(lines.allSatisfy { $0.columns <= columns })
                #expect(screen.state.first + screen.page >= rows.count)
            }
        }
    }

    @Test func sorting() throws {
        let overview = try overview()
        func order(_ order: WatchState.Order, isReversed: Bool = false) -> [String] {
            order.sorted(WatchRow.rows(overview), isReversed: isReversed).map(\.peer.snapshot.label)
        }
        #expect(order(.name) == ["laptop", "tablet", "電話 of Zoë"])
        #expect(order(.name, isReversed: true) == ["電話 of Zoë", "tablet", "laptop"])
        #expect(order(.health) == ["電話 of Zoë", "laptop", "tablet"])
        #expect(order(.handshake) == ["laptop", "電話 of Zoë", "tablet"])
        #expect(order(.receivedRate) == ["laptop", "tablet", "電話 of Zoë"])
        #expect(order(.sent, isReversed: true) == ["tablet", "電話 of Zoë", "laptop"])
    }

    @Test func pressingKeys() {
        var state = WatchState()
        #expect(state.press(.character("h"), rows: 50, page: 10) == .redraw)
        #expect(state.order == .handshake && !state.isReversed)
        #expect(state.press(.character("h"), rows: 50, page: 10) == .redraw)
        #expect(state.isReversed)
        #expect(state.press(.character("o"), rows: 50, page: 10) == .redraw)
        #expect(state.order == .sentRate && !state.isReversed)
        #expect(state.press(.character("x"), rows: 50, page: 10) == .none)
        _ = state.press(.up, rows: 50, page: 10)
        #expect(state.first == 0)
        _ = state.press(.pageDown, rows: 50, page: 10)
        #expect(state.first == 10)
        _ = state.press(.end, rows: 50, page: 10)
        #expect(state.first == 40)
        _ = state.press(.down, rows: 50, page: 10)
        #expect(state.first == 40)
        #expect(state.press(.character(" "), rows: 50, page: 10) == .redraw)
        #expect(state.isPaused)
        #expect(state.press(.character("p"), rows: 50, page: 10) == .refresh)
        #expect(state.press(.character("q"), rows: 50, page: 10) == .quit)
        state.limit(rows: 3, page: 10)
        #expect(state.first == 0)
    }
}
