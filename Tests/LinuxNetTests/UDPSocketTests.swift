import CLinux
import Glibc
import Testing
import Wire

@testable import LinuxNet

@Suite struct UDPSocketTests {
    static let loopback: [AddressFamily: IPAddress] = [
        .v4: .v4(IPv4Address(0x7f00_0001)), .v6: .v6(IPv6Address(high: 0, low: 1)),
    ]

    @Test(arguments: [AddressFamily.v4, .v6])
    func datagramsArriveWithTheirCircumstances(family: AddressFamily) throws {
        let address = try #require(Self.loopback[family])
        let receiver = try UDPSocket.bind(family, port: 0)
        let sender = try UDPSocket.bind(family, port: 0)
        #expect(receiver.port != 0 && receiver.port != sender.port)

        var outgoing = SendBatch()
        let payload = [UInt8](0..<200)
        let report = payload.withUnsafeBytes { bytes in
            outgoing.add(bytes, to: Endpoint(address, port: receiver.port), tos: 0x89)
            return outgoing.send(on: sender)
        }
        var expected = SendReport()
        expected.sent = 1
        #expect(report == expected)
        #expect(outgoing.count == 0)

        var incoming = try ReceiveBatch(capacity: 2)
        try incoming.expect(.messages(1), from: receiver)
        let message = incoming[0]
        #expect([UInt8](message.bytes) == payload)
        #expect(message.source == Endpoint(address, port: sender.port))
        #expect(message.local == SourceAddress(address, interfaceIndex: if_nametoindex("lo")))
        #expect(message.tos == 0x89)
        #expect(message.segmentSize == 0)
        #expect(!message.isTruncated)
    }

    @Test(arguments: [true, false])
    func aSegmentedSendBecomesDatagrams(segmentation: Bool) throws {
        var options = UDPSocket.Options()
        options.segmentation = segmentation
        let receiver = try UDPSocket.bind(.v4, port: 0)
        let sender = try UDPSocket.bind(.v4, port: 0, options: options)
        #expect(sender.supportsSegmentation == segmentation)
        var outgoing = SendBatch()
        let endpoint = Endpoint(.v4(IPv4Address(0x7f00_0001)), port: receiver.port)
        let payload = pattern(64 * 1000 - 1)
        let report = payload.withUnsafeBytes { bytes in
            // A plain message on both sides, to see that the order is kept.
            outgoing.add(UnsafeRawBufferPointer(rebasing: bytes[..<10]), to: endpoint)
            outgoing.add(bytes, segmentSize: 1000, to: endpoint, tos: 1)
            outgoing.add(UnsafeRawBufferPointer(rebasing: bytes[..<11]), segmentSize: 11, to: endpoint)
            return outgoing.send(on: sender)
        }
        #expect(report.sent == 66 && report.dropped == 0)
        let received = try collect(from: receiver, datagrams: 66)
        #expect(received.map(\.count) == [10] + Array(repeating: 1000, count: 63) + [999, 11])
        #expect(received[1..<65].flatMap { $0 } == payload)
    }

    /// Where the kernel has UDP-Lite, its sockets refuse segmentation with EIO, as interfaces without checksum offload
    /// and IPsec do.
    @Test(.enabled(if: openUDPLite() != nil, "needs UDP-Lite"))
    func segmentationRefusedByTheInterfaceIsTurnedOff() throws {
        let receiver = try UDPSocket.bind(.v4, port: 0)
        let sender = try UDPSocket.bind(.v4, port: 0)
        try replaceByUDPLite(sender, port: 0)
        try replaceByUDPLite(receiver, port: receiver.port)
        #expect(sender.supportsSegmentation)

        let payload = pattern(10 * 1000 + 3)
        var outgoing = SendBatch()
        for _ in 0..<2 {
            let report = payload.withUnsafeBytes { bytes in
                for _ in 0..<2 {
                    outgoing.add(
                        bytes, segmentSize: 1000, to: Endpoint(.v4(IPv4Address(0x7f00_0001)), port: receiver.port))
                }
                return outgoing.send(on: sender)
            }
            #expect(report.sent == 22 && report.dropped == 0 && report.error == 0)
            #expect(!sender.supportsSegmentation)
            #expect(try collect(from: receiver, datagrams: 22).flatMap { $0 } == payload + payload)
        }
    }

    /// A socket without checksums refuses with EINVAL, as old kernels do with segments above the path's MTU.
    @Test func anInvalidSegmentedSendIsSentPlainly() throws {
        let receiver = try UDPSocket.bind(.v4, port: 0)
        let sender = try UDPSocket.bind(.v4, port: 0)
        var one: Int32 = 1
        setsockopt(sender.number, SOL_SOCKET, SO_NO_CHECK, &one, 4)
        let payload = pattern(100 * 100 + 1)
        var outgoing = SendBatch()
        let report = payload.withUnsafeBytes { bytes in
            // More datagrams than one send takes apart at a time.
            outgoing.add(bytes, segmentSize: 100, to: Endpoint(.v4(IPv4Address(0x7f00_0001)), port: receiver.port))
            return outgoing.send(on: sender)
        }
        #expect(report.sent == 101 && report.dropped == 0)
        #expect(sender.supportsSegmentation)
        #expect(try collect(from: receiver, datagrams: 101).flatMap { $0 } == payload)
    }

    @Test func refusedMessagesDoNotStopTheOthers() throws {
        let receiver = try UDPSocket.bind(.v4, port: 0)
        let endpoint = Endpoint(.v4(IPv4Address(0x7f00_0001)), port: receiver.port)
        let multicastWithoutRight = Endpoint(.v4(IPv4Address(0xffff_ffff)), port: receiver.port)
        var outgoing = SendBatch()
        let payload = pattern(65_536)
        let report = payload.withUnsafeBytes { bytes in
            let small = UnsafeRawBufferPointer(rebasing: bytes[..<100])
            outgoing.add(small, to: endpoint)
            outgoing.add(bytes, to: endpoint)
            outgoing.add(small, to: endpoint)
            outgoing.add(small, to: multicastWithoutRight)
            outgoing.add(small, to: endpoint)
            return outgoing.send(on: receiver)
        }
        // 65 536 bytes exceed a datagram; sending to broadcast needs an option that is not set.
        #expect(report.sent == 3 && report.dropped == 2)
        #expect(report.error == EACCES)
        #expect(try collect(from: receiver, datagrams: 3).map(\.count) == [100, 100, 100])
    }

    @Test func aFullBatchRefusesMore() throws {
        let socket = try UDPSocket.bind(.v4, port: 0)
        let endpoint = Endpoint(.v4(IPv4Address(0x7f00_0001)), port: socket.port)
        var outgoing = SendBatch(capacity: 2)
        let empty = UnsafeRawBufferPointer(start: nil, count: 0)
        outgoing.add(empty, to: endpoint)
        outgoing.add(empty, to: endpoint)
        let accepted = outgoing.append(empty, to: endpoint)
        #expect(!accepted)
        let report = outgoing.send(on: socket)
        #expect(report.sent == 2)
        #expect(try collect(from: socket, datagrams: 2) == [[], []])
    }

    @Test func interruptWakesABlockedReceiverForGood() throws {
        let socket = try UDPSocket.bind(.v6, port: 0)
        let thread = try NativeThread(name: "interrupter") {
            usleep(50_000)
            socket.interrupt()
        }
        var incoming = try ReceiveBatch()
        let start = Clock.bootTime()
        try incoming.expect(.closed, from: socket)
        #expect(Clock.bootTime() - start >= 40_000_000)
        thread.join()
        try incoming.expect(.closed, from: socket)
        #expect(incoming.count == 0)

        var outgoing = SendBatch()
        let endpoint = Endpoint(.v6(IPv6Address(high: 0, low: 1)), port: socket.port)
        outgoing.add(UnsafeRawBufferPointer(start: nil, count: 0), to: endpoint)
        let report = outgoing.send(on: socket)
        #expect(report.sent == 0 && report.dropped == 1 && report.error == EPIPE)
    }

    @Test func theLastOwnerCloses() throws {
        var socket: UDPSocket? = try UDPSocket.bind(.v4, port: 0)
        let port = try #require(socket).port
        #expect(throws: SystemError.self) { try UDPSocket.bind(.v4, port: port) }
        socket = nil
        #expect(try UDPSocket.bind(.v4, port: port).port == port)
    }

    @Test(.needsRoot) func marksAreSet() throws {
        let socket = try UDPSocket.bind(.v4, port: 0, firewallMark: 0x1234)
        #expect(mark(of: socket) == 0x1234)
        #expect(socket.setFirewallMark(0xffff_fff0) == 0)
        #expect(mark(of: socket) == 0xffff_fff0)
        #expect(socket.setFirewallMark(0) == 0)
        #expect(mark(of: socket) == 0)
    }

    @Test func maximumPayloadsAreWhatTheKernelTakes() throws {
        for family in [AddressFamily.v4, .v6] {
            let socket = try UDPSocket.bind(family, port: 0)
            let endpoint = Endpoint(try #require(Self.loopback[family]), port: socket.port)
            let payload = pattern(UDPSocket.maximumPayload(family) + 1)
            var outgoing = SendBatch()
            let report = payload.withUnsafeBytes { bytes in
                outgoing.add(UnsafeRawBufferPointer(rebasing: bytes.dropLast()), to: endpoint)
                outgoing.add(bytes, to: endpoint)
                return outgoing.send(on: socket)
            }
            #expect(report.sent == 1 && report.dropped == 1 && report.error == EMSGSIZE)
        }
    }

    private func mark(of socket: UDPSocket) -> UInt32 {
        var value: UInt32 = 0
        var length = socklen_t(4)
        getsockopt(socket.number, SOL_SOCKET, SO_MARK, &value, &length)
        return value
    }
}

private func openUDPLite() -> OwnedDescriptor? {
    let number = Glibc.socket(AF_INET, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 136)
    return number < 0 ? nil : OwnedDescriptor(owning: number)
}

/// Puts a UDP-Lite socket, bound to `port`, in the place of the UDP socket.
private func replaceByUDPLite(_ socket: UDPSocket, port: UInt16) throws {
    guard let lite = openUDPLite() else { throw SystemError(EPROTONOSUPPORT, "open a UDP-Lite socket") }
    var name = sockaddr_in()
    name.sin_family = sa_family_t(AF_INET)
    name.sin_port = port.bigEndian
    let bound = withUnsafeBytes(of: &name) {
        bind(lite.number, $0.assumingMemoryBound(to: sockaddr.self).baseAddress, socklen_t($0.count))
    }
    guard bound == 0, dup2(lite.number, socket.number) == socket.number else {
        throw SystemError(errno, "bind a UDP-Lite socket")
    }
}

/// Receives until `datagrams` have come, coalesced ones taken apart.
func collect(from socket: UDPSocket, datagrams: Int) throws -> [[UInt8]] {
    var incoming = try ReceiveBatch()
    var all: [[UInt8]] = []
    while all.count < datagrams {
        var wait = pollfd(fd: socket.number, events: Int16(POLLIN), revents: 0)
        guard poll(&wait, 1, 3000) == 1, case .messages(let count) = incoming.receive(from: socket) else { break }
        for index in 0..<count {
            let message = incoming[index]
            let size = message.segmentSize == 0 ? max(1, message.bytes.count) : message.segmentSize
            var start = 0
            repeat {
                let end = min(start + size, message.bytes.count)
                all.append([UInt8](message.bytes[start..<end]))
                start = end
            } while start < message.bytes.count
        }
    }
    return all
}
