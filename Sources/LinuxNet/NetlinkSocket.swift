import CLinux
import Glibc

/// A netlink socket of the network namespace that the calling thread is in.
struct NetlinkSocket: ~Copyable {
    enum Received: Equatable {
        /// Bytes received, 0 for a message that isn't the kernel's.
        case bytes(Int)
        case nothing
        case failed(Int32)
    }

    /// More than the kernel puts into one message of its own accord.
    static let bufferSize = 65_536

    /// How often a list is read again because it changed meanwhile.
    private static let dumpAttempts = 20

    /// Requests that are sent at once. The answers to all of them fit into a socket's receive buffer of the usual size
    /// even if each is an error.
    private static let batchSize = 128

    private let descriptor: OwnedDescriptor
    private var sequence: UInt32 = 0

    /// - Parameters:
    ///   - family: `NETLINK_…`.
    ///   - groups: `RTMGRP_…` to join. A member is non-blocking; one for requests waits for at most 5 seconds.
    init(family: Int32 = NETLINK_ROUTE, groups: UInt32 = 0) throws(SystemError) {
        let attempt = "open a netlink socket"
        let nonBlocking = groups == 0 ? 0 : Int32(SOCK_NONBLOCK.rawValue)
        let type = Int32(SOCK_RAW.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | nonBlocking
        let number = socket(AF_NETLINK, type, family)
        guard number >= 0 else { throw .last(attempt) }
        let descriptor = OwnedDescriptor(owning: number)
        var address = sockaddr_nl()
        address.nl_family = sa_family_t(AF_NETLINK)
        address.nl_groups = groups
        let result = withUnsafeBytes(of: &address) {
            bind(number, $0.assumingMemoryBound(to: sockaddr.self).baseAddress, socklen_t($0.count))
        }
        guard result == 0 else { throw .last(attempt) }
        self.init(adopting: descriptor)
    }

    /// Takes a socket that carries netlink messages.
    init(adopting descriptor: consuming OwnedDescriptor) {
        let number = descriptor.number
        self.descriptor = descriptor
        var limit = timeval(tv_sec: 5, tv_usec: 0)
        setsockopt(number, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        // All of them newer than netlink itself, and nothing depends on them: words about errors, errors without the
        // request, and lists that the kernel filters.
        for option in [NETLINK_EXT_ACK, NETLINK_CAP_ACK, NETLINK_GET_STRICT_CHK] {
            var isOn: Int32 = 1
            setsockopt(number, SOL_NETLINK, option, &isOn, socklen_t(MemoryLayout<Int32>.size))
        }
    }

    var fileDescriptor: Int32 { descriptor.number }

    /// Takes one datagram, which may hold many messages. One that doesn't fit fails with `EMSGSIZE`.
    func receive(into buffer: UnsafeMutableRawBufferPointer) -> Received {
        var sender = sockaddr_nl()
        var length = socklen_t(MemoryLayout<sockaddr_nl>.size)
        while true {
            let count = withUnsafeMutableBytes(of: &sender) {
                recvfrom(
                    descriptor.number, buffer.baseAddress, buffer.count, Int32(MSG_TRUNC),
                    $0.assumingMemoryBound(to: sockaddr.self).baseAddress, &length)
            }
            if count > buffer.count { return .failed(EMSGSIZE) }
            if count >= 0 { return .bytes(sender.nl_pid == 0 ? count : 0) }
            switch errno {
            case EINTR: continue
            case EAGAIN: return .nothing
            case let code: return .failed(code)
            }
        }
    }

    /// Sends a request and waits for its answer. Returns what `body` makes of the answering message, or nil when the
    /// kernel only acknowledges.
    ///
    /// - Throws: the kernel's refusal, as a failure of `attempt`.
    mutating func request<Answer>(
        _ request: inout NetlinkRequest, _ attempt: String, _ body: (NetlinkMessages.Message) -> Answer?
    ) throws(SystemError) -> Answer? {
        let sequence = nextSequence()
        request.finish(sequence: sequence)
        try send(request.bytes, attempt)
        let buffer = NetlinkBuffer()
        while true {
            for message in NetlinkMessages(try receive(into: buffer, attempt)) where message.sequence == sequence {
                guard let verdict = NetlinkVerdict(message) else { return body(message) }
                guard verdict.code == 0 else { throw SystemError(verdict, attempt) }
                return nil
            }
        }
    }

    /// Asks for a list. Reads it again as long as it changes while being read.
    ///
    /// - Parameter parse: what a message holds; nil to pass over it.
    mutating func dump<Item>(
        _ request: inout NetlinkRequest, _ attempt: String, _ parse: (NetlinkMessages.Message) -> Item?
    ) throws(SystemError) -> [Item] {
        let buffer = NetlinkBuffer()
        for _ in 0..<Self.dumpAttempts {
            let sequence = nextSequence()
            request.finish(sequence: sequence, flags: NLM_F_ROOT | NLM_F_MATCH)
            try send(request.bytes, attempt)
            var dump = NetlinkDump<Item>(sequence: sequence)
            var progress = NetlinkDump<Item>.Progress.more
            while progress == .more { progress = dump.take(try receive(into: buffer, attempt), parse) }
            switch progress {
            case .finished: return dump.items
            case .failed(let verdict): throw SystemError(verdict, attempt)
            case .more, .interrupted: continue
            }
        }
        throw SystemError(EINTR, attempt, advice: "the list changes faster than it can be read; try again")
    }

    /// Sends requests, many in one system call, and waits until the kernel has seen to all. Returns those that it
    /// refused, by their positions in `requests`, in order.
    ///
    /// - Throws: when the conversation itself fails.
    mutating func perform(
        _ requests: [NetlinkRequest], _ attempt: String
    ) throws(SystemError) -> [(position: Int, verdict: NetlinkVerdict)] {
        var refusals: [(position: Int, verdict: NetlinkVerdict)] = []
        let buffer = NetlinkBuffer()
        var start = 0
        while start < requests.count {
            let end = min(start + Self.batchSize, requests.count)
            // Errors always come; only the last request is to be acknowledged, which tells that all have been seen to.
            let first = sequence &+ 1
            var bytes: [UInt8] = []
            for position in start..<end {
                var request = requests[position]
                request.finish(sequence: nextSequence(), flags: position == end - 1 ? NLM_F_ACK : 0)
                bytes += request.bytes
            }
            try send(bytes, attempt)
            var isSeenTo = false
            while !isSeenTo {
                for message in NetlinkMessages(try receive(into: buffer, attempt)) {
                    // Wraps for messages of other conversations, which makes them too large.
                    let offset = Int(message.sequence &- first)
                    guard offset < end - start, let verdict = NetlinkVerdict(message) else { continue }
                    if verdict.code != 0 { refusals.append((start + offset, verdict)) }
                    if offset == end - start - 1 { isSeenTo = true }
                }
            }
            start = end
        }
        return refusals
    }

    private mutating func nextSequence() -> UInt32 {
        // Safe: only has to differ from the ones before.
        sequence &+= 1
        return sequence
    }

    private func send(_ bytes: [UInt8], _ attempt: String) throws(SystemError) {
        while Glibc.send(descriptor.number, bytes, bytes.count, Int32(MSG_NOSIGNAL)) != bytes.count {
            guard errno == EINTR else { throw .last(attempt) }
        }
    }

    private func receive(
        into buffer: borrowing NetlinkBuffer, _ attempt: String
    ) throws(SystemError) -> UnsafeRawBufferPointer {
        switch receive(into: buffer.bytes) {
        case .nothing: throw SystemError(ETIMEDOUT, attempt)
        case .failed(let code): throw SystemError(code, attempt)
        case .bytes(let count): UnsafeRawBufferPointer(rebasing: buffer.bytes[..<count])
        }
    }
}

/// Room for one datagram, overwritten with zeros when it goes: the answer may have held keys.
private struct NetlinkBuffer: ~Copyable {
    let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: NetlinkSocket.bufferSize, alignment: 8)

    deinit {
        if let start = bytes.baseAddress { explicit_bzero(start, bytes.count) }
        bytes.deallocate()
    }
}

extension SystemError {
    init(_ verdict: NetlinkVerdict, _ attempt: String) {
        self.init(verdict.code, attempt, detail: verdict.detail)
    }
}
