import Glibc
import LinuxNet
import Synchronization
import Testing

@testable import Quick

@Suite struct DNSBusMessageTests {
    @Test func theWireFormOfTheSpecification() throws {
        // Put together by hand from the specification's rules.
        let message = DBusMessage(
            call: "M", of: "a.b", at: "/p", on: "x.y", serial: 9,
            [.int32(-2), .array(of: "(iay)", [.structure([.int32(2), .array(of: "y", [.byte(7)])])])])
        let fields: [UInt8] =
            [1, 1, 0x6f, 0, 2, 0, 0, 0, 0x2f, 0x70, 0, 0, 0, 0, 0, 0]
            + [2, 1, 0x73, 0, 3, 0, 0, 0, 0x61, 0x2e, 0x62, 0, 0, 0, 0, 0]
            + [3, 1, 0x73, 0, 1, 0, 0, 0, 0x4d, 0, 0, 0, 0, 0, 0, 0]
            + [6, 1, 0x73, 0, 3, 0, 0, 0, 0x78, 0x2e, 0x79, 0, 0, 0, 0, 0]
            + [8, 1, 0x67, 0, 7] + Array("ia(iay)".utf8) + [0]
        let body: [UInt8] = [0xfe, 0xff, 0xff, 0xff, 9, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 7]
        let head: [UInt8] = [0x6c, 1, 0, 1, UInt8(body.count), 0, 0, 0, 9, 0, 0, 0, UInt8(fields.count), 0, 0, 0]
        let padding = [UInt8](repeating: 0, count: (8 - fields.count % 8) % 8)
        #expect(message.encoded == head + fields + padding + body)
        #expect(try DBusMessage(decoding: message.encoded[...]) == message)
    }

    @Test func bigEndian() throws {
        let bytes: [UInt8] =
            [0x42, 2, 0, 1, 0, 0, 0, 4, 0, 0, 0, 5, 0, 0, 0, 15]
            + [5, 1, 0x75, 0, 0, 0, 0, 3] + [8, 1, 0x67, 0, 1, 0x62, 0] + [0] + [0, 0, 0, 1]
        let message = try DBusMessage(decoding: bytes[...])
        #expect(message.replySerial == 3)
        #expect(try message.values() == [.boolean(true)])
    }

    @Test func everyValueComesBack() throws {
        var message = DBusMessage(.methodReturn, serial: 1)
        let values: [DBusValue] = [
            .byte(1), .variant(.array(of: "(sb)", [.structure([.string("é"), .boolean(true)])])), .byte(3),
            .array(of: "s", []), .objectPath("/"), .signature("a(iay)"), .uint32(.max), .array(of: "y", [.byte(2)]),
            .variant(.variant(.int32(.min))),
        ]
        message.setBody(values)
        let read = try DBusMessage(decoding: message.encoded[...])
        #expect(try read.values() == values)
    }

    @Test func truncatedAndFlippedBytes() throws {
        var message = DBusMessage(.methodReturn, serial: 1)
        message.replySerial = 1
        message.setBody([.variant(.array(of: "(iay)", [.structure([.int32(2), .array(of: "y", [.byte(2)])])]))])
        let bytes = message.encoded
        for count in 0..<bytes.count {
            #expect(throws: DBusReader.Malformed.self) { try DBusMessage(decoding: bytes[..<count]) }
        }
        for index in bytes.indices {
            for bit in 0..<8 {
                var changed = bytes
                changed[index] ^= 1 << UInt8(bit)
                _ = try? DBusMessage.length(changed[..<16])
                _ = try? DBusMessage(decoding: changed[...]).values()
            }
        }
    }

    @Test(arguments: [
        "()", "a()", "(", "a", "(i", "z", "{", "a{sv}", "((((((((((((((((((i))))))))))))))))))",
        "aaaaaaaaaaaaaaaaaaaaai", ")",
    ])
    func badSignatures(_ signature: String) {
        var reader = DBusReader([UInt8](repeating: 0, count: 64)[...], isBigEndian: false)
        #expect(throws: DBusReader.Malformed.self) { try reader.values(signature.utf8) }
    }

    @Test func nestedVariantsEnd() {
        let bytes = (0..<100).flatMap { _ in [1, 0x76, 0] as [UInt8] }
        var reader = DBusReader(bytes[...], isBigEndian: false)
        #expect(throws: DBusReader.Malformed.self) { try reader.values("v".utf8) }
    }

    @Test func addresses() {
        func names(_ text: String) -> [String] {
            DBusConnection.socketNames(in: text).map { String(decoding: $0, as: UTF8.self) }
        }
        #expect(
            names("unix:path=/a,guid=1;unix:abstract=b;tcp:host=x;unix:guid=2,path=/c%20d") == ["/a", "\0b", "/c d"])
        #expect(names("unix:path=") == [])
        #expect(names("unix:path=/a%2") == [])
        #expect(names("unix:path=/a%00") == [])
        #expect(names(";;unix:") == [])
    }
}

/// A bus that does what a test says.
final class FakeBus: Sendable {
    let address: String
    private let listener: Int32
    private let calls = Mutex<[DBusMessage]>([])

    /// What it sends for a call, nil ends the connection.
    typealias Answer = @Sendable (DBusMessage) -> [UInt8]?

    init(_ folder: DNSFolder, greeting: String = "OK 0123\r\n", _ answer: @escaping Answer) throws {
        let path = folder["fake"]
        address = "unix:path=\(path)"
        let number = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        listener = number
        var name = sockaddr_un()
        name.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: path.utf8) }
        let result = withUnsafePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(number, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(result == 0 && listen(number, 4) == 0)
        _ = try NativeThread(name: "fake-bus") { [weak self] in
            while true {
                let connection = accept(number, nil, nil)
                guard connection >= 0 else { return }
                self?.serve(connection, greeting, answer)
                close(connection)
            }
        }
    }

    deinit {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
    }

    var members: [String] { calls.withLock { $0.compactMap(\.member) } }
    func call(_ member: String) -> DBusMessage? { calls.withLock { $0.first { $0.member == member } } }

    /// An answer with these values.
    static func reply(_ call: DBusMessage, _ values: [DBusValue] = [], error: String? = nil) -> [UInt8] {
        var message = DBusMessage(error == nil ? .methodReturn : .error, serial: 77)
        message.replySerial = call.serial
        message.errorName = error
        message.setBody(values)
        return message.encoded
    }

    /// What the bus itself and a resolved in this network namespace say.
    static func usual(_ call: DBusMessage) -> [UInt8] {
        switch call.member {
        case "Hello": reply(call, [.string(":1.7")])
        case "NameHasOwner": reply(call, [.boolean(true)])
        case "GetConnectionUnixProcessID": reply(call, [.uint32(UInt32(getpid()))])
        default: reply(call)
        }
    }

    private func serve(_ connection: Int32, _ greeting: String, _ answer: Answer) {
        var bytes: [UInt8] = []
        var limit = timeval(tv_sec: 5, tv_usec: 0)
        setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        func more() -> Bool {
            var chunk = [UInt8](repeating: 0, count: 4096)
            let count = recv(connection, &chunk, chunk.count, 0)
            guard count > 0 else { return false }
            bytes += chunk[..<count]
            return true
        }
        while !bytes.contains(10) { guard more() else { return } }
        _ = send(connection, greeting, greeting.utf8.count, Int32(MSG_NOSIGNAL))
        let begin = Array("BEGIN\r\n".utf8)
        while !bytes.indices.contains(where: { bytes[$0...].starts(with: begin) }) { guard more() else { return } }
        guard let start = bytes.indices.first(where: { bytes[$0...].starts(with: begin) }) else { return }
        bytes.removeFirst(start + begin.count)
        while true {
            while bytes.count < 16 { guard more() else { return } }
            guard let length = try? DBusMessage.length(bytes[..<16]) else { return }
            while bytes.count < length { guard more() else { return } }
            guard let call = try? DBusMessage(decoding: bytes[..<length]) else { return }
            bytes.removeFirst(length)
            calls.withLock { $0.append(call) }
            guard let data = answer(call) else { return }
            _ = send(connection, data, data.count, Int32(MSG_NOSIGNAL))
        }
    }
}

@Suite struct DNSBusTests {
    private let folder = DNSFolder()

    private func resolved(_ bus: FakeBus, patience: Int = 2000) throws(DBusError) -> SystemdResolved {
        try SystemdResolved.open(busAddress: bus.address, patience: patience)
    }

    @Test func whatResolvedIsTold() throws {
        let bus = try FakeBus(folder, FakeBus.usual)
        var resolved = try resolved(bus)
        try resolved.apply(setting("wg0", ["10.0.0.1", "fd00::1"], search: ["corp", "~x.y"], index: 3))
        #expect(
            try bus.call("SetLinkDNS")?.values() == [
                .int32(3),
                .array(
                    of: "(iay)",
                    [
                        .structure([.int32(2), .array(of: "y", [10, 0, 0, 1].map { .byte($0) })]),
                        .structure([
                            .int32(10),
                            .array(of: "y", ([0xfd] + [UInt8](repeating: 0, count: 14) + [1]).map { .byte($0) }),
                        ]),
                    ]),
            ])
        let domains: [DBusValue] = [(".", true), ("corp", false), ("x.y", true)].map { name, isRouting in
            .structure([.string(name), .boolean(isRouting)])
        }
        #expect(try bus.call("SetLinkDomains")?.values() == [.int32(3), .array(of: "(sb)", domains)])
        #expect(try bus.call("SetLinkDefaultRoute")?.values() == [.int32(3), .boolean(true)])
        #expect(bus.call("SetLinkDNS")?.path == "/org/freedesktop/resolve1")
        #expect(!bus.members.contains("RevertLink"))
    }

    @Test func namesOfTheTunnelOnly() throws {
        let bus = try FakeBus(folder, FakeBus.usual)
        var resolved = try resolved(bus)
        try resolved.apply(setting(search: ["~corp"], index: 3, all: false))
        let domains: [DBusValue] = [.structure([.string("corp"), .boolean(true)])]
        #expect(try bus.call("SetLinkDomains")?.values() == [.int32(3), .array(of: "(sb)", domains)])
        #expect(try bus.call("SetLinkDefaultRoute")?.values() == [.int32(3), .boolean(false)])
    }

    @Test func aRefusalIsTakenBack() throws {
        let bus = try FakeBus(folder) { call in
            call.member == "SetLinkDomains"
                ? FakeBus.reply(call, [.string("Link wg0 is managed.")], error: "org.freedesktop.resolve1.LinkBusy")
                : FakeBus.usual(call)
        }
        var resolved = try resolved(bus)
        #expect(throws: DBusError.refused(name: "org.freedesktop.resolve1.LinkBusy", message: "Link wg0 is managed.")) {
            try resolved.apply(setting(index: 3))
        }
        #expect(bus.members.last == "RevertLink")
    }

    @Test func anOlderResolvedKnowsNoDefaultRoute() throws {
        let bus = try FakeBus(folder) { call in
            call.member == "SetLinkDefaultRoute"
                ? FakeBus.reply(call, error: "org.freedesktop.DBus.Error.UnknownMethod") : FakeBus.usual(call)
        }
        var resolved = try resolved(bus)
        try resolved.apply(setting(index: 3))
        #expect(!bus.members.contains("RevertLink"))
    }

    @Test func othersMessagesArePassedOver() throws {
        let bus = try FakeBus(folder) { call in
            var signal = DBusMessage(.signal, serial: 5)
            signal.member = "NameAcquired"
            signal.setBody([.string(":1.7")])
            var stray = call
            stray.serial = call.serial &+ 1000
            return signal.encoded + FakeBus.reply(stray, [.boolean(false)]) + FakeBus.usual(call)
        }
        var resolved = try resolved(bus)
        try resolved.apply(setting(index: 3))
    }

    @Test(arguments: ["REJECTED EXTERNAL\r\n", "\r\n", "ERROR\r\n"])
    func beingRejected(_ greeting: String) throws {
        let bus = try FakeBus(folder, greeting: greeting, FakeBus.usual)
        #expect(throws: DBusError.unreachable("it doesn't let this user in")) { _ = try resolved(bus) }
    }

    @Test func anEndlessGreeting() throws {
        let bus = try FakeBus(folder, greeting: String(repeating: "x", count: 100_000), FakeBus.usual)
        #expect(throws: DBusError.malformed) { _ = try resolved(bus) }
    }

    @Test func silence() throws {
        let bus = try FakeBus(folder) { _ in [] }
        let start = ContinuousClock.now
        #expect(throws: DBusError.timedOut) { _ = try resolved(bus, patience: 200) }
        #expect(ContinuousClock.now - start < .seconds(2))
    }

    @Test func aTrickleEndsInTimeToo() throws {
        let bus = try FakeBus(folder) { call in
            usleep(50_000)
            var signal = DBusMessage(.signal, serial: 5)
            signal.member = "X"
            return (0..<50).flatMap { _ in signal.encoded }
        }
        #expect(throws: DBusError.timedOut) { _ = try resolved(bus, patience: 300) }
    }

    @Test func garbage() throws {
        for (number, data) in [
            [UInt8](repeating: 0xff, count: 64), Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8),
            [0x6c, 2, 0, 1] + [UInt8](repeating: 0xff, count: 60),
        ].enumerated() {
            let folder = DNSFolder()
            let bus = try FakeBus(folder) { _ in data }
            #expect(throws: DBusError.malformed, "\(number)") { _ = try resolved(bus) }
        }
        let hangup = try FakeBus(folder) { _ in nil }
        #expect(throws: DBusError.unreachable("it ended the connection")) { _ = try resolved(hangup) }
    }

    @Test func resolvedElsewhere() throws {
        let away = try FakeBus(folder) { call in
            call.member == "NameHasOwner" ? FakeBus.reply(call, [.boolean(false)]) : FakeBus.usual(call)
        }
        #expect(throws: DBusError.unreachable("systemd-resolved isn't on it")) { _ = try resolved(away) }
        let other = DNSFolder()
        let foreign = try FakeBus(other) { call in
            call.member == "GetConnectionUnixProcessID" ? FakeBus.reply(call, [.uint32(.max)]) : FakeBus.usual(call)
        }
        #expect(throws: DBusError.unreachable("systemd-resolved serves another network namespace")) {
            _ = try resolved(foreign)
        }
    }
}
