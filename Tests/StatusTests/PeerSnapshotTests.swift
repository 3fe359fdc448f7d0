import Control
import TestKit
import Testing
import Tunnel
import Wire

@testable import Status

@Suite("Peers of a snapshot")
struct PeerSnapshotTests {
    private let file = """
        [Interface]
        PrivateKey = \(PublicKey(Bytes32((0..<32).map { UInt8($0) })!).base64)

        [Peer]
        # Name = laptop
        PublicKey = \(Sample.key(1).base64)
        AllowedIPs = 10.8.0.2/32
        Endpoint = laptop.example.org:51820

        #[disabled] [Peer]
        #[disabled] # Name = phone
        #[disabled] PublicKey = \(Sample.key(2).base64)
        #[disabled] AllowedIPs = 10.8.0.3/32

        [Peer]
        # Name = \u{1b}[31mtab\u{202e}let
        PublicKey = \(Sample.key(3).base64)
        AllowedIPs = 10.8.0.4/32

        [Peer]
        PublicKey = \(Sample.key(4).base64)
        """

    @Test func joined() throws {
        let report = Sample.report(3) { $0.annotation.name = "another" }
        let stranger = Sample.report(9) { $0.annotation.name = "guest" }
        let snapshot = try Sample.snapshot(
            [Sample.status(9), Sample.status(3), Sample.status(1)], [report, stranger], file: file)
        let peers = snapshot.peers()
        #expect(peers.map(\.publicKey) == [9, 3, 1, 2, 4].map { Sample.key($0) })
        #expect(peers.map(\.label) == ["guest", "\u{fffd}[31mtab\u{fffd}let", "laptop", "phone", Sample.key(4).short])
        #expect(peers[2].report == nil)
        #expect(peers[2].endpointName == "laptop.example.org:51820")
        #expect(peers.map { snapshot.health(of: $0).word } == [.waiting, .waiting, .waiting, .off, .missing])
    }

    @Test func withoutAFile() throws {
        let snapshot = try Sample.snapshot([Sample.status(1)])
        #expect(snapshot.peers().map(\.label) == [Sample.key(1).short])
    }

    @Test func aPeerThatIsSwitchedOnAndOff() throws {
        let twice = """
            #[disabled] [Peer]
            #[disabled] # Name = former
            #[disabled] PublicKey = \(Sample.key(1).base64)

            [Peer]
            # Name = latter
            PublicKey = \(Sample.key(1).base64)
            """
        let peers = try Sample.snapshot([Sample.status(1)], file: twice).peers()
        #expect(peers.map(\.label) == ["latter"])
    }

    /// Against looking at every entry.
    @Test func searching() {
        var random = SeededRandom(seed: 4)
        for _ in 0..<200 {
            let keys = (0..<8).map { _ in
                Bool.random(using: &random) ? nil : Sample.key(.random(in: 0..<6, using: &random))
            }
            var search = KeySearch(keys)
            for _ in 0..<12 {
                let key = Sample.key(.random(in: 0..<7, using: &random))
                let found = search.place(of: key)
                #expect((found == nil) == !keys.contains(key))
                #expect(found.map { keys[$0] == key } ?? true)
            }
        }
    }
}
