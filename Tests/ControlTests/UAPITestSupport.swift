import Control
import Glibc
import Testing
import Tunnel
import Wire

/// A seeded generator (SplitMix64).
struct UAPITestRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

extension UAPIScopes {
    /// Knows `eth0` as 7 and nothing else.
    static var fixed: UAPIScopes {
        UAPIScopes(index: { $0 == "eth0" ? 7 : nil }, name: { $0 == 7 ? "eth0" : nil })
    }
}

/// Reads `text` to its end, in pieces of `pieceSize` bytes.
func readAll(
    _ text: [UInt8], pieceSize: Int = .max, limits: UAPILimits = UAPILimits(), scopes: UAPIScopes = .fixed
) -> [UAPIRequest] {
    var reader = UAPIRequestReader(scopes: scopes, limits: limits)
    var requests: [UAPIRequest] = []
    text.withUnsafeBytes { all in
        var start = 0
        while start < all.count {
            let end = all.count - start > pieceSize ? start + pieceSize : all.count
            var piece = UnsafeRawBufferPointer(rebasing: all[start..<end])
            while let request = reader.next(from: &piece) { requests.append(request) }
            start = end
        }
    }
    return requests
}

func readAll(_ text: String, pieceSize: Int = .max) -> [UAPIRequest] {
    readAll(Array(text.utf8), pieceSize: pieceSize)
}

/// Everything in a request as text, keys included, so that two can be compared.
func describe(_ request: UAPIRequest) -> String {
    switch request {
    case .get: "get"
    case .drops: "drops"
    case .endpointNames: "names"
    case .report: "report"
    case .initiate(let publicKey): "initiate \(Hex.encode(publicKey.bytes))"
    case .set(let change): "set " + describe(change)
    case .refused(let failure): "refused \(failure.errno)"
    case .unreadable(let failure): "unreadable \(failure?.errno ?? 0)"
    }
}

func describe(_ change: DeviceChange) -> String {
    var parts: [String] = []
    if let key = change.privateKey { parts.append("private=\(Hex.encode(key.bytes))") }
    if let port = change.listenPort { parts.append("port=\(port)") }
    if let mark = change.firewallMark { parts.append("mark=\(mark)") }
    if let obfuscation = change.obfuscation { parts.append(describe(obfuscation)) }
    if change.replacesPeers { parts.append("replace") }
    for peer in change.peers {
        parts.append("peer=\(Hex.encode(peer.publicKey.bytes))")
        if peer.removes { parts.append("remove") }
        if peer.updatesOnly { parts.append("update") }
        if let key = peer.presharedKey { parts.append("preshared=\(Hex.encode(key.bytes))") }
        if let endpoint = peer.endpoint { parts.append("endpoint=\(endpoint)") }
        if let name = peer.endpointName { parts.append("name=\(name)") }
        if let keepalive = peer.persistentKeepalive {
            parts.append("keepalive=\(keepalive)\(peer.persistentKeepaliveMaximum.map { "-\($0)" } ?? "")")
        }
        if let obfuscation = peer.obfuscation { parts.append(describe(obfuscation)) }
        if peer.replacesAllowedIPs { parts.append("replace-ips") }
        for allowedIP in peer.allowedIPs {
            switch allowedIP {
            case .add(let prefix): parts.append("+\(prefix)")
            case .remove(let prefix): parts.append("-\(prefix)")
            }
        }
    }
    return parts.joined(separator: " ")
}

func describe(_ change: ObfuscationChange) -> String {
    let values = change.values.map { setting, value in "\(setting.name)=\(value.map(describe) ?? "nothing")" }
    return ((change.replacesAll ? ["forget"] : []) + values).joined(separator: " ")
}

func describe(_ value: ObfuscationValue) -> String {
    switch value {
    case .dialect(let name): name.rawValue
    case .key(let key): String(decoding: key.bytes, as: UTF8.self)
    case .number(let number): "\(number)"
    case .range16(let range): "\(range)"
    case .range32(let range): "\(range)"
    case .text(let text): text
    case .secret(let secret): Hex.encode(secret.bytes)
    case .bytes(let bytes): "\(bytes)"
    case .flag(let isOn): "\(isOn)"
    }
}

/// A target that keeps what it is told and tells what it is given.
final class FakeTarget: ConfigurationTarget {
    var changes: [DeviceChange] = []
    var result: Int32 = 0
    var current = DeviceStatus()
    var names: [(peer: PublicKey, name: String)] = []
    var counts: [(reason: String, count: UInt64)] = []
    var facts = DeviceReport()
    var called: [PublicKey] = []
    var outcome = InitiationOutcome.sent

    func apply(_ change: DeviceChange) -> Int32 {
        changes.append(change)
        return result
    }

    func status() -> DeviceStatus { current }
    func drops() -> [(reason: String, count: UInt64)] { counts }
    func endpointNames() -> [(peer: PublicKey, name: String)] { names }
    func report() -> DeviceReport { facts }

    func initiate(_ publicKey: PublicKey) -> InitiationOutcome {
        called.append(publicKey)
        return outcome
    }
}

/// A loop over poll(2).
final class PollLoop: ReadinessLoop {
    private var watches: [Int32: (events: Int16, handler: (Readiness) -> Void)] = [:]

    var watched: Set<Int32> { Set(watches.keys) }

    func watch(_ descriptor: Int32, readable: Bool, writable: Bool, handler: @escaping (Readiness) -> Void) {
        watches[descriptor] = (Int16((readable ? POLLIN : 0) | (writable ? POLLOUT : 0)), handler)
    }

    func unwatch(_ descriptor: Int32) {
        watches[descriptor] = nil
    }

    /// Handles what is ready, after at most `milliseconds`. Returns how many descriptors were.
    @discardableResult
    func turn(milliseconds: Int32 = 0) -> Int {
        var entries = watches.map { pollfd(fd: $0.key, events: $0.value.events, revents: 0) }
        guard poll(&entries, nfds_t(entries.count), milliseconds) > 0 else { return 0 }
        var count = 0
        for entry in entries where entry.revents != 0 {
            let broken = entry.revents & Int16(POLLHUP | POLLERR) != 0
            let readiness = Readiness(
                readable: broken || entry.revents & Int16(POLLIN) != 0,
                writable: broken || entry.revents & Int16(POLLOUT) != 0)
            // A handler before this one may have ended the watch.
            guard let watch = watches[entry.fd] else { continue }
            count += 1
            watch.handler(readiness)
        }
        return count
    }

    /// Goes on until nothing is ready.
    func settle() {
        for _ in 0..<1_000_000 where turn() == 0 { return }
        Issue.record("the loop doesn't come to rest")
    }
}

/// A directory that goes with this value.
final class TemporaryDirectory {
    let path: String

    init() {
        var template = Array("/tmp/nightjar-uapi-XXXXXX".utf8CString)
        precondition(mkdtemp(&template) != nil)
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        guard let directory = opendir(path) else { return }
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            unlink("\(path)/\(name)")
        }
        closedir(directory)
        rmdir(path)
    }
}

/// A client's end of a connection; its reads don't wait.
final class TestClient {
    private(set) var descriptor: Int32

    init(_ path: String) {
        descriptor = connectedSocket(to: path)
        precondition(descriptor >= 0, "cannot connect to \(path)")
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
    }

    deinit { close() }

    func close() {
        if descriptor >= 0 { Glibc.close(descriptor) }
        descriptor = -1
    }

    /// Sends as much of `text` as there is room for and returns how much that was.
    @discardableResult
    func send(_ text: some Sequence<UInt8>) -> Int {
        let bytes = Array(text)
        return Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }

    func send(_ text: String) {
        #expect(send(text.utf8) == text.utf8.count)
    }

    func endSending() {
        shutdown(descriptor, Int32(SHUT_WR))
    }

    /// What has arrived: at most `limit` bytes, none if nothing has; nil at the end of the stream.
    func receive(limit: Int = 1 << 20) -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: limit)
        let count = recv(descriptor, &buffer, limit, 0)
        if count == 0 { return nil }
        return Array(buffer.prefix(max(0, count)))
    }

    func receiveText() -> String? {
        receive().map { String(decoding: $0, as: UTF8.self) }
    }
}

/// A blocking socket connected to `path`, or -1.
func connectedSocket(to path: String) -> Int32 {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard withAddress(of: path, { connect(descriptor, $0, $1) }) == 0 else {
        close(descriptor)
        return -1
    }
    return descriptor
}

/// A socket bound to `path`.
func boundSocket(at path: String) -> Int32 {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    let result = withAddress(of: path) { bind(descriptor, $0, $1) }
    precondition(result == 0)
    return descriptor
}

func fileMode(_ path: String) -> mode_t? {
    var status = stat()
    return lstat(path, &status) == 0 ? status.st_mode : nil
}

private func withAddress<R>(of path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> R) -> R {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    return withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
    }
}
