import LinuxNet
import Logging
import Testing
import Wire

@testable import Datapath
@testable import Tunnel

@Suite("Transmit batch")
struct TransmitBatchTests {
    private let drops = DropCounters()
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    @Test("Everything arrives once and in order, segmented or not", arguments: [true, false], [AddressFamily.v4, .v6])
    func everythingArrives(segmentation: Bool, family: AddressFamily) throws {
        var options = UDPSocket.Options()
        options.segmentation = segmentation
        let sockets = try UDPSocketPair.bind(port: 0, options: options)
        let receivers = try [UDPSocketPair.bind(port: 0), UDPSocketPair.bind(port: 0)]
        // Runs of equal ones, alone and with others between, to two destinations.
        let lengths = [64, 64, 64, 92, 148, 148, 64, 32, 1420, 1420] + Array(repeating: 64, count: 70)
        var batch = TransmitBatch()
        var expected: [[[UInt8]]] = [[], []]
        for (number, length) in lengths.enumerated() {
            let to = number / 3 % 2
            let bytes = [UInt8](repeating: UInt8(number), count: length)
            expected[to].append(bytes)
            batch.expectRoom(transmit(bytes, to: endpoint(family, receivers[to].port)))
        }
        batch.send(on: sockets, drops: drops, logger: logger)
        #expect(drops[.sendFailed] == 0)
        for (receiver, expected) in zip(receivers, expected) {
            let socket = try #require(receiver[family])
            #expect(try receive(expected.count, from: socket) == expected)
        }
    }

    @Test("It takes 64 messages, however many datagrams they are, then nothing until they are sent")
    func bounds() {
        var batch = TransmitBatch()
        for number in 0..<64 {
            for _ in 0..<3 { batch.expectRoom(transmit(count: 64, port: UInt16(number + 1))) }
        }
        batch.expectFull(transmit(count: 64, port: 65))
        batch.expectRoom(transmit(count: 64, port: 64))
        batch.send(on: nil, drops: drops, logger: logger)
        #expect(drops[.sendFailed] == 64 * 3 + 1)
        batch.expectRoom(transmit(count: 64, port: 65))
        batch.send(on: nil, drops: drops, logger: logger)
        #expect(drops[.sendFailed] == 64 * 3 + 2)
    }

    @Test("The longest datagrams fit, one message each, until the memory ends")
    func longDatagrams() {
        var batch = TransmitBatch()
        batch.expectRoom(transmit(count: 65_507, port: 1))
        batch.expectRoom(transmit(count: 65_507, port: 1))
        batch.expectFull(transmit(count: 65_507, port: 1))
        batch.send(on: nil, drops: drops, logger: logger)
        batch.expectRoom(transmit(count: 65_507, port: 1))
        batch.send(on: nil, drops: drops, logger: logger)
        #expect(drops[.sendFailed] == 3)
    }

    private func transmit(_ bytes: [UInt8], to endpoint: Endpoint) -> Device.Transmit {
        Device.Transmit(.cookieReply, bytes: bytes, endpoint: endpoint, source: nil, trafficClass: 0x88, peer: nil)
    }

    private func transmit(count: Int, port: UInt16) -> Device.Transmit {
        transmit([UInt8](repeating: 1, count: count), to: endpoint(.v4, port))
    }

    private func endpoint(_ family: AddressFamily, _ port: UInt16) -> Endpoint {
        Endpoint(IPAddress(family == .v4 ? "127.0.0.1" : "::1")!, port: port)
    }

    private func receive(_ count: Int, from socket: UDPSocket) throws -> [[UInt8]] {
        var batch = try ReceiveBatch()
        var received: [[UInt8]] = []
        while received.count < count {
            guard case .messages(let messages) = batch.receive(from: socket) else { break }
            for index in 0..<messages {
                var rest = [UInt8](batch[index].bytes)[...]
                let size = batch[index].segmentSize > 0 ? batch[index].segmentSize : rest.count
                while !rest.isEmpty {
                    received.append(Array(rest.prefix(size)))
                    rest = rest.dropFirst(size)
                }
            }
        }
        return received
    }
}

extension TransmitBatch {
    /// Adds, and expects that there is room.
    fileprivate mutating func expectRoom(
        _ transmit: Device.Transmit, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let isTaken = add(transmit)
        #expect(isTaken, sourceLocation: sourceLocation)
    }

    fileprivate mutating func expectFull(
        _ transmit: Device.Transmit, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let isTaken = add(transmit)
        #expect(!isTaken, sourceLocation: sourceLocation)
    }
}
