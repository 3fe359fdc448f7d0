import CLinux
import Glibc

/// A route netlink socket of the network namespace that the calling thread is in.
struct NetlinkSocket: ~Copyable {
    enum Received: Equatable {
        /// Bytes received, 0 for a message that isn't the kernel's.
        case bytes(Int)
        case nothing
        case failed(Int32)
    }

    /// More than the kernel puts into one message of its own accord.
    static let bufferSize = 65_536

    private let descriptor: OwnedDescriptor
    private var sequence: UInt32 = 0

    /// - Parameter groups: `RTMGRP_…` to join. A member is non-blocking; one for requests waits for at most 5 seconds.
    init(groups: UInt32 = 0) throws(SystemError) {
        let attempt = "open a netlink socket"
        let nonBlocking = groups == 0 ? 0 : Int32(SOCK_NONBLOCK.rawValue)
        let type = Int32(SOCK_RAW.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | nonBlocking
        let number = socket(AF_NETLINK, type, Int32(NETLINK_ROUTE))
        guard number >= 0 else { throw .last(attempt) }
        let descriptor = OwnedDescriptor(owning: number)
        var limit = timeval(tv_sec: 5, tv_usec: 0)
        setsockopt(number, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_nl()
        address.nl_family = sa_family_t(AF_NETLINK)
        address.nl_groups = groups
        let result = withUnsafeBytes(of: &address) {
            bind(number, $0.assumingMemoryBound(to: sockaddr.self).baseAddress, socklen_t($0.count))
        }
        guard result == 0 else { throw .last(attempt) }
        self.descriptor = descriptor
    }

    var fileDescriptor: Int32 { descriptor.number }

    /// Takes one datagram, which may hold many messages.
    func receive(into buffer: UnsafeMutableRawBufferPointer) -> Received {
        var sender = sockaddr_nl()
        var length = socklen_t(MemoryLayout<sockaddr_nl>.size)
        while true {
            let count = withUnsafeMutableBytes(of: &sender) {
                recvfrom(
                    descriptor.number, buffer.baseAddress, buffer.count, 0,
                    $0.assumingMemoryBound(to: sockaddr.self).baseAddress, &length)
            }
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
        _ request: NetlinkRequest, _ attempt: String, _ body: (NetlinkMessages.Message) -> Answer?
    ) throws(SystemError) -> Answer? {
        // Safe: only has to differ from the one before.
        sequence &+= 1
        let bytes = request.finished(sequence: sequence)
        guard send(descriptor.number, bytes, bytes.count, 0) == bytes.count else { throw .last(attempt) }

        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.bufferSize, alignment: 8)
        defer { buffer.deallocate() }
        while true {
            switch receive(into: buffer) {
            case .nothing: throw SystemError(ETIMEDOUT, attempt)
            case .failed(let code): throw SystemError(code, attempt)
            case .bytes(let count):
                let received = UnsafeRawBufferPointer(rebasing: buffer[..<count])
                for message in NetlinkMessages(received) where message.sequence == sequence {
                    guard Int(message.type) == Int(NLMSG_ERROR) else { return body(message) }
                    guard message.payload.count >= 4 else { throw SystemError(EBADMSG, attempt) }
                    // Safe: the kernel reports a negated errno; negation can't overflow for what is left after &-.
                    let code = 0 &- message.payload.loadUnaligned(as: Int32.self)
                    guard code == 0 else { throw SystemError(code, attempt) }
                    return nil
                }
            }
        }
    }
}
