import Glibc

/// The kernel's end of a netlink socket. Its answers are prepared before they are asked for; requests of one socket are
/// numbered from 1.
package final class FakeKernel {
    private let descriptor: Int32
    /// The other end, to be taken over by a socket under test.
    package let socket: Int32

    package init() {
        var ends: [Int32] = [-1, -1]
        let type = Int32(SOCK_SEQPACKET.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let code = socketpair(AF_UNIX, type, 0, &ends)
        precondition(code == 0, "a pair of sockets can be made")
        (descriptor, socket) = (ends[0], ends[1])
        // Requests that nobody takes away fill the socket, and then fail.
        var limit = timeval(tv_sec: 2, tv_usec: 0)
        setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        _ = fcntl(socket, F_SETFL, fcntl(socket, F_GETFL) & ~O_NONBLOCK)
    }

    deinit {
        close(descriptor)
    }

    /// Prepares one datagram of these messages.
    package func send(_ messages: [UInt8]...) {
        let datagram = messages.flatMap { $0 }
        let count = Glibc.send(descriptor, datagram, datagram.count, Int32(MSG_NOSIGNAL))
        precondition(count == datagram.count, "the socket holds all answers")
    }

    /// The datagrams that have been sent to the kernel since the last call.
    package func requests() -> [[UInt8]] {
        var all: [[UInt8]] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { return all }
            all.append(Array(buffer[..<count]))
        }
    }
}

/// Netlink messages byte by byte.
package enum NetlinkBytes {
    package static let error = 2
    package static let done = 3
    /// `NLM_F_MULTI`.
    package static let isPart = 2
    /// `NLM_F_DUMP_INTR`.
    package static let isInterrupted = 16

    package static func message(_ type: Int, sequence: UInt32 = 0, flags: Int = 0, _ payload: [UInt8]...) -> [UInt8] {
        let payload = payload.flatMap { $0 }
        let header =
            value(UInt32(16 + payload.count)) + value(UInt16(type)) + value(UInt16(flags)) + value(sequence)
            + value(0 as UInt32)
        return padded(header + payload)
    }

    /// The kernel's consent, or its refusal with an `errno`.
    package static func verdict(_ code: Int32 = 0, sequence: UInt32) -> [UInt8] {
        message(error, sequence: sequence, value(-code), [UInt8](repeating: 0, count: 16))
    }

    package static func attribute(_ type: Int, _ contents: [UInt8]...) -> [UInt8] {
        let contents = contents.flatMap { $0 }
        return padded(value(UInt16(4 + contents.count)) + value(UInt16(type)) + contents)
    }

    /// The bytes of a number in the machine's order.
    package static func value(_ number: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: number) { Array($0) }
    }

    private static func padded(_ bytes: [UInt8]) -> [UInt8] {
        bytes + [UInt8](repeating: 0, count: -bytes.count & 3)
    }
}
