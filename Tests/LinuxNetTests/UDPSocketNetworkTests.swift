import Glibc
import Testing
import Wire

@testable import LinuxNet

@Suite(.serialized, .needsRoot) struct UDPSocketNetworkTests {
    static let far: [AddressFamily: IPAddress] = [.v4: IPAddress("10.0.0.2")!, .v6: IPAddress("fd00::2")!]

    @Test(arguments: [AddressFamily.v4, .v6])
    func segmentedSendsArriveCoalesced(family: AddressFamily) throws {
        let (near, far) = try Namespace.pair()
        let (sender, receiver) = try sockets(near, far, family)
        #expect(receiver.receivesCoalesced && sender.supportsSegmentation)
        let payload = pattern(40 * 1400 + 5)
        let report = try send(payload, segmentSize: 1400, on: sender, to: receiver, tos: 2)
        #expect(report.sent == 41 && report.dropped == 0)

        var incoming = try ReceiveBatch()
        try incoming.expect(.messages(1), from: receiver)
        #expect(incoming[0].segmentSize == 1400)
        #expect(incoming[0].tos == 2)
        #expect([UInt8](incoming[0].bytes) == payload)
    }

    @Test func coalescingCanBeLeftOff() throws {
        let (near, far) = try Namespace.pair()
        var options = UDPSocket.Options()
        options.coalescing = false
        let (sender, receiver) = try sockets(near, far, .v4, options)
        #expect(!receiver.receivesCoalesced)
        let payload = pattern(20 * 1000)
        #expect(try send(payload, segmentSize: 1000, on: sender, to: receiver).sent == 20)
        var incoming = try ReceiveBatch()
        var sizes: [Int] = []
        while sizes.count < 20, case .messages(let count) = incoming.receive(from: receiver) {
            for index in 0..<count {
                #expect(incoming[index].segmentSize == 0)
                sizes.append(incoming[index].bytes.count)
            }
        }
        #expect(sizes == Array(repeating: 1000, count: 20))
    }

    /// A segment larger than the path's MTU can't be sent segmented, only as fragments.
    @Test(arguments: [AddressFamily.v4, .v6])
    func tooLargeSegmentsGoAsFragments(family: AddressFamily) throws {
        let (near, far) = try Namespace.pair()
        let (sender, receiver) = try sockets(near, far, family)
        let payload = pattern(5 * 2000 + 1)
        let report = try send(payload, segmentSize: 2000, on: sender, to: receiver, tos: 1)
        #expect(report.sent == 6 && report.dropped == 0 && report.error == 0)
        #expect(sender.supportsSegmentation)
        #expect(try collect(from: receiver, datagrams: 6).flatMap { $0 } == payload)
    }

    @Test(arguments: [AddressFamily.v4, .v6])
    func theGivenSourceIsUsed(family: AddressFamily) throws {
        let (near, far) = try Namespace.pair()
        let second = family == .v4 ? "10.0.0.77" : "fd00::77"
        try near.ip(family == .v4 ? "address add \(second)/24 dev wire" : "-6 address add \(second)/64 dev wire nodad")
        let (sender, receiver) = try sockets(near, far, family)
        let index = try near.inside { if_nametoindex("wire") }
        let first: IPAddress = family == .v4 ? IPAddress("10.0.0.1")! : IPAddress("fd00::1")!
        for address in [IPAddress(second)!, first] {
            let source = SourceAddress(address, interfaceIndex: index)
            for segmentSize in [0, 100] {
                let report = try send(
                    pattern(1000), segmentSize: segmentSize, on: sender, to: receiver, from: source, tos: 3)
                #expect(report.dropped == 0 && report.refusedSources == 0)
                var incoming = try ReceiveBatch()
                try incoming.expect(.messages(1), from: receiver)
                #expect(incoming[0].source == Endpoint(address, port: sender.port))
                #expect(incoming[0].segmentSize == segmentSize)
                #expect(incoming[0].tos == 3)
                #expect(incoming[0].local?.address == Self.far[family])
            }
        }
    }

    @Test(arguments: [AddressFamily.v4, .v6])
    func aRefusedSourceIsLeftOutAndReported(family: AddressFamily) throws {
        let (near, far) = try Namespace.pair()
        try near.ip("link add idle type veth peer name idle2")
        let (sender, receiver) = try sockets(near, far, family)
        let (wire, idle) = try near.inside { (if_nametoindex("wire"), if_nametoindex("idle")) }
        let own: IPAddress = family == .v4 ? IPAddress("10.0.0.1")! : IPAddress("fd00::1")!
        let foreign: IPAddress = family == .v4 ? IPAddress("10.9.9.9")! : IPAddress("fd99::9")!
        var sources = [SourceAddress(foreign, interfaceIndex: wire), SourceAddress(own, interfaceIndex: 9999)]
        // IPv6 takes the interface as a wish, and routes round one that is down.
        if family == .v4 { sources.append(SourceAddress(own, interfaceIndex: idle)) }
        for source in sources {
            for segmentSize in [0, 100, 1800] {
                let report = try send(
                    pattern(2000), segmentSize: segmentSize, on: sender, to: receiver, from: source, tos: 3)
                #expect(report.dropped == 0 && report.refusedSources == 1, "\(source) \(segmentSize) \(report)")
                let received = try collect(from: receiver, datagrams: report.sent)
                #expect(received.flatMap { $0 } == pattern(2000))
            }
        }
    }

    @Test func aDestinationWithoutRouteIsCounted() throws {
        let (near, far) = try Namespace.pair()
        let (sender, receiver) = try sockets(near, far, .v4)
        defer { withExtendedLifetime(receiver) {} }
        var outgoing = SendBatch()
        let payload = pattern(1000)
        let report = payload.withUnsafeBytes { bytes in
            let away = Endpoint(IPAddress("192.0.2.1")!, port: 9)
            let source = SourceAddress(IPAddress("10.0.0.1")!, interfaceIndex: 0)
            outgoing.add(bytes, segmentSize: 100, to: away)
            outgoing.add(bytes, to: away, from: source)
            return outgoing.send(on: sender)
        }
        #expect(report.sent == 0 && report.dropped == 11 && report.error == ENETUNREACH)
        #expect(report.refusedSources == 2)
    }

    /// A socket whose buffer is full makes the sender wait, and in the end drop, but not for ever.
    @Test func aFullSendBufferDropsInTheEnd() throws {
        let (near, far) = try Namespace.pair()
        var options = UDPSocket.Options()
        options.bufferSize = 4096
        let (sender, receiver) = try sockets(near, far, .v4, options)
        // The device's queue holds all it gets and passes on nearly nothing.
        try near.run("tc qdisc replace dev wire root tbf rate 8kbit burst 2000 limit 10000000")
        var outgoing = SendBatch()
        let payload = pattern(1000)
        let start = Clock.bootTime()
        let report = payload.withUnsafeBytes { bytes in
            while outgoing.append(bytes, to: Endpoint(Self.far[.v4]!, port: receiver.port)) {}
            return outgoing.send(on: sender)
        }
        #expect(report.sent + report.dropped == 64)
        #expect(report.sent >= 1 && report.dropped >= 1 && report.error == EAGAIN)
        #expect(Clock.bootTime() - start < 5_000_000_000)
    }

    private func sockets(
        _ near: Namespace, _ far: Namespace, _ family: AddressFamily, _ options: UDPSocket.Options = .init()
    ) throws -> (UDPSocket, UDPSocket) {
        (
            try near.inside { try UDPSocket.bind(family, port: 0, options: options) },
            try far.inside { try UDPSocket.bind(family, port: 0, options: options) }
        )
    }

    private func send(
        _ payload: [UInt8], segmentSize: Int, on sender: UDPSocket, to receiver: UDPSocket,
        from source: SourceAddress? = nil, tos: UInt8 = 0
    ) throws -> SendReport {
        var outgoing = SendBatch()
        let address = try #require(Self.far[receiver.family])
        return payload.withUnsafeBytes { bytes in
            let endpoint = Endpoint(address, port: receiver.port)
            outgoing.add(bytes, segmentSize: segmentSize, to: endpoint, from: source, tos: tos)
            return outgoing.send(on: sender)
        }
    }
}
