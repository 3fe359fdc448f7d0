import Glibc
import LinuxNet
import NoisePrimitives
import Obfuscation
import Synchronization
import TestKit
import Testing
import Tunnel
import Wire

@testable import Relay

/// Keys of both parties, of which a relay sees the public ones.
enum Parties {
    static let server = key(1)
    static let client = key(101)
    static let otherClient = key(201)

    private static func key(_ start: UInt8) -> PublicKey {
        var bytes = Bytes32()
        bytes.withUnsafeMutableBytes { bytes in
            for index in 0..<32 { bytes[index] = start &+ UInt8(index) }
        }
        return PublicKey(bytes)
    }
}

extension Endpoint {
    static func loopback(_ port: UInt16, _ family: AddressFamily = .v4) -> Endpoint {
        switch family {
        case .v4: Endpoint(.v4(IPv4Address(0x7f00_0001)), port: port)
        case .v6: Endpoint(.v6(IPv6Address(high: 0, low: 1)), port: port)
        }
    }
}

/// Remembers what relays tell.
final class RelayLogBook: RelayLog {
    private let events = Mutex<[RelayEvent]>([])

    func note(_ event: RelayEvent, of relay: ListenAddress) {
        events.withLock { $0.append(event) }
    }

    var lines: [String] { events.withLock { $0.map(\.description) } }
}

/// An address book of a test's own.
final class FakeAddressBook: AddressBook {
    private let answers = Mutex<[Endpoint]>([])
    private let questions = Mutex(0)

    init(_ endpoints: [Endpoint] = []) {
        answers.withLock { $0 = endpoints }
    }

    func set(_ endpoints: [Endpoint]) { answers.withLock { $0 = endpoints } }

    var asked: Int { questions.withLock { $0 } }

    func addresses(of endpoint: RelayEndpoint) throws(AddressBookError) -> [Endpoint] {
        questions.withLock { $0 += 1 }
        let found = answers.withLock { $0 }
        guard !found.isEmpty else { throw AddressBookError("nobody knows \(endpoint.host)") }
        return found
    }
}

/// A relay on a free port of the loopback interface, ended by ``stop()``.
final class TestRelay {
    let relay: Relay
    let log = RelayLogBook()
    let settings: RelaySettings

    /// - Parameter age: seconds that it claims to have run already, since dated handshakes from before its start aren't taken.
    init(
        to endpoint: RelayEndpoint, family: AddressFamily = .v4, book: FakeAddressBook = FakeAddressBook(),
        age: Int64 = 10, _ change: (inout RelaySettings) -> Void = { _ in }
    ) throws {
        var settings = RelaySettings(listen: .one(.loopback(0, family)), endpoint: endpoint)
        settings.serverKey = Parties.server
        settings.clientKeys = [Parties.client]
        change(&settings)
        self.settings = settings
        var start = RelayLoop.moment().wall
        start.seconds -= age
        relay = try Relay(
            settings, listeners: Relay.listeners(on: settings.listen), book: book, log: log, start: start)
    }

    func endpoint(_ family: AddressFamily = .v4) -> Endpoint { .loopback(relay.port, family) }

    func drops(_ reason: DropReason) -> UInt64 { relay.counters.drops[reason] }

    func stop() { relay.stop() }
}

/// A party with a socket of its own, WireGuard's client or server or anybody.
final class Party {
    let socket: UDPSocket
    private var batch: ReceiveBatch
    private var waiting: [(bytes: [UInt8], source: Endpoint)] = []

    init(_ family: AddressFamily = .v4, port: UInt16 = 0) throws {
        var options = UDPSocket.Options()
        options.waitsForDatagrams = false
        socket = try UDPSocket.bind(at: .loopback(port, family), options: options)
        batch = try ReceiveBatch()
    }

    var endpoint: Endpoint { .loopback(socket.port, socket.family) }

    func send(_ bytes: [UInt8], to endpoint: Endpoint, segmentSize: Int = 0) {
        var outgoing = SendBatch(capacity: 1)
        bytes.withUnsafeBytes {
            _ = outgoing.append($0, segmentSize: segmentSize, to: endpoint)
            _ = outgoing.send(on: socket)
        }
    }

    /// The next datagram; nil when none comes within the time.
    func receive(milliseconds: Int32 = 2000) -> (bytes: [UInt8], source: Endpoint)? {
        if waiting.isEmpty {
            var descriptor = pollfd(fd: socket.fileDescriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&descriptor, 1, milliseconds) == 1 else { return nil }
            _ = batch.receive(from: socket)
            for index in 0..<batch.count {
                let message = batch[index]
                let bytes = [UInt8](message.bytes)
                let stride = message.segmentSize > 0 ? message.segmentSize : max(bytes.count, 1)
                for start in Swift.stride(from: 0, to: bytes.count, by: stride) {
                    waiting.append((Array(bytes[start..<min(start + stride, bytes.count)]), message.source))
                }
            }
        }
        return waiting.isEmpty ? nil : waiting.removeFirst()
    }

    /// So many datagrams, or those that come within the time.
    func receive(_ count: Int) -> [[UInt8]] {
        var all: [[UInt8]] = []
        while all.count < count, let next = receive(milliseconds: 1000) { all.append(next.bytes) }
        return all
    }
}

/// WireGuard messages that look right from the outside.
enum FakeMessage {
    static func initiation(sender: UInt32, to receiver: PublicKey = Parties.server, type: UInt32 = 1) -> [UInt8] {
        make(Message.Initiation.size, type: type, indices: [sender], mac1: receiver)
    }

    static func response(
        sender: UInt32, receiver: UInt32, to party: PublicKey = Parties.client, type: UInt32 = 2
    ) -> [UInt8] {
        make(Message.Response.size, type: type, indices: [sender, receiver], mac1: party)
    }

    static func cookieReply(receiver: UInt32) -> [UInt8] {
        make(Message.CookieReply.size, type: 3, indices: [receiver], mac1: nil)
    }

    /// - Parameter content: bytes of ciphertext, the tag apart.
    static func data(receiver: UInt32, counter: UInt64, content: Int) -> [UInt8] {
        var bytes = make(Message.Data.overhead + content, type: 4, indices: [receiver], mac1: nil)
        bytes.withUnsafeMutableBytes { $0.baseAddress!.storeLittleEndian(counter, at: Message.Data.counter) }
        return bytes
    }

    private static func make(_ size: Int, type: UInt32, indices: [UInt32], mac1: PublicKey?) -> [UInt8] {
        var bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ size) }
        bytes.withUnsafeMutableBytes { buffer in
            let start = buffer.baseAddress!
            start.storeLittleEndian(type, at: 0)
            for (place, index) in indices.enumerated() { start.storeLittleEndian(index, at: 4 + 4 * place) }
        }
        guard let mac1 else { return bytes }
        bytes.replaceSubrange((size - 16)..., with: [UInt8](repeating: 0, count: 16))
        let mac = bytes.withUnsafeBytes { MACKeys(of: mac1).mac1(of: $0) }
        bytes.replaceSubrange((size - 32)..<(size - 16), with: mac.withUnsafeBytes { Array($0) })
        return bytes
    }
}

/// Cookies as both sides of WireGuard make and take them. Protocol §5.
enum FakeCookie {
    static func reply(
        to message: [UInt8], receiver: UInt32, from party: PublicKey, _ cookie: [UInt8]
    ) -> [UInt8] {
        var reply = FakeMessage.cookieReply(receiver: receiver)
        let nonce = Array(reply[8..<32])
        reply.withUnsafeMutableBytes { reply in
            nonce.withUnsafeBytes { nonce in
                cookie.withUnsafeBytes { cookie in
                    mac1(of: message).withUnsafeBytes { associatedData in
                        XChaCha20Poly1305.seal(
                            key: key(of: party), nonce: nonce, cookie, associatedData: associatedData,
                            into: reply.baseAddress! + 32)
                    }
                }
            }
        }
        return reply
    }

    /// The cookie in a reply to `message`; nil when it isn't one.
    static func open(_ reply: [UInt8], answering message: [UInt8], from party: PublicKey) -> [UInt8]? {
        guard reply.count == 64, reply.starts(with: [3, 0, 0, 0]) else { return nil }
        var cookie = [UInt8](repeating: 0, count: 32)
        let isAuthentic = Array(reply[8..<32]).withUnsafeBytes { nonce in
            Array(reply[32...]).withUnsafeBytes { sealed in
                mac1(of: message).withUnsafeBytes { associatedData in
                    cookie.withUnsafeMutableBytes { target in
                        XChaCha20Poly1305.open(
                            key: key(of: party), nonce: nonce, sealed, associatedData: associatedData,
                            into: target.baseAddress!)
                    }
                }
            }
        }
        return isAuthentic ? Array(cookie[..<16]) : nil
    }

    /// The message with its MAC2.
    static func prove(_ message: [UInt8], with cookie: [UInt8]) -> [UInt8] {
        let covered = Array(message.dropLast(16))
        let mac = cookie.withUnsafeBytes { key in covered.withUnsafeBytes { BLAKE2s.mac(key: key, $0) } }
        return covered + mac.withUnsafeBytes { Array($0) }
    }

    private static func mac1(of message: [UInt8]) -> [UInt8] {
        Array(message[(message.count - 32)..<(message.count - 16)])
    }

    private static func key(of party: PublicKey) -> Bytes32 {
        party.bytes.withUnsafeBytes { key in
            Array("cookie--".utf8).withUnsafeBytes { BLAKE2s.hash($0, key) }
        }
    }
}

/// Waits for something that another thread is about to do.
func eventually(_ condition: () -> Bool) -> Bool {
    for _ in 0..<400 {
        if condition() { return true }
        usleep(5000)
    }
    return condition()
}
