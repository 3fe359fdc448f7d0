import Obfuscation
import TestKit
import Testing
import Tunnel
import Wire

@Suite struct WARPTests {
    private let direction = Direction(.warp(WARPSettings(reserved: [0xaa, 0xbb, 0xcc])))

    @Test func everyMessageCarriesTheReservedBytes() {
        let random = SeededRandom(seed: 1)
        var generator = makeGenerator(1)
        for kind: Message.Kind in [.initiation, .response, .cookieReply] {
            let message = direction.message(kind, random)
            #expect(direction.encode(message, &generator) == [message[0], 0xaa, 0xbb, 0xcc] + message[4...])
        }
        let sent = direction.conceal(packets: [100, 100, 0], receiver: 0x0403_0201, random, &generator)
        for datagram in sent.datagrams {
            #expect(Array(datagram[..<8]) == [4, 0xaa, 0xbb, 0xcc, 1, 2, 3, 4])
        }
    }

    @Test func anyReservedBytesAreTakenAndCleared() {
        let message = direction.message(.response, SeededRandom(seed: 1))
        for reserved: [UInt8] in [[0, 0, 0], [0xaa, 0xbb, 0xcc], [9, 8, 7]] {
            let datagram = [message[0]] + reserved + message[4...]
            let (finding, output) = direction.handshake(datagram, genuine: [message])
            #expect(finding == .message(92))
            #expect(Array(output[..<92]) == message)
        }
    }

    @Test func junkGoesBeforeAnInitiation() throws {
        var interface = ObfuscationSettings()
        interface.dialect = .warp
        interface.reserved = [1, 2, 3]
        var amneziaWG = AmneziaWGSettings()
        (amneziaWG.junkCount, amneziaWG.junkMinimum, amneziaWG.junkMaximum) = (4, 40, 70)
        amneziaWG.specialPackets[0] = "<b 0xc0ffee><r 5>"
        amneziaWG.prefixes = [15, 68, 20, 20]
        interface.amneziaWG = amneziaWG
        let direction = Direction(try Dialect.resolve(ObfuscationSettings(), interface: interface))
        var generator = makeGenerator(2)
        let datagrams = direction.disguise.prelude(at: Direction.now, random: &generator)
        #expect(datagrams.count == 5)
        #expect(Array(datagrams[0].prefix(3)) == [0xc0, 0xff, 0xee] && datagrams[0].count == 8)
        #expect(datagrams[1...].allSatisfy { (40...70).contains($0.count) })
        // The rest of AmneziaWG isn't WARP's.
        #expect(direction.encode(direction.message(.initiation, SeededRandom(seed: 1)), &generator).count == 148)
    }
}
