import Glibc
package import Wire

/// Asks servers by UDP, from sockets of its own.
package enum DatagramExchange {
    /// Sends every request to every server, again after half the time, and hands what comes back to `body`, until that
    /// is content or the time is over. Only datagrams from a server itself come through. A server that can't be reached is left out.
    ///
    /// - Parameters:
    ///   - mark: `SO_MARK` of what is sent; 0 for none.
    ///   - milliseconds: how long it takes at most.
    ///   - longest: bytes of an answer; the rest is cut off.
    ///   - body: returns whether nothing more is needed.
    package static func run(
        _ requests: [[UInt8]], to servers: [Endpoint], mark: UInt32, milliseconds: UInt64, longest: Int,
        _ body: ([UInt8]) -> Bool
    ) {
        let sockets = servers.compactMap { connectedSocket(to: $0, mark: mark) }
        defer { sockets.forEach { close($0) } }
        guard !sockets.isEmpty else { return }
        let start = Clock.bootTime()
        for half in [1, 2] as [UInt64] {
            for socket in sockets {
                for request in requests { _ = send(socket, request, request.count, Int32(MSG_NOSIGNAL)) }
            }
            // Safe: some seconds more than the time since the machine started.
            let end = start + milliseconds * 500_000 * half
            while true {
                let now = Clock.bootTime()
                guard now < end else { break }
                var waits = sockets.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
                _ = poll(&waits, nfds_t(waits.count), Int32(clamping: (end - now) / 1_000_000 + 1))
                for wait in waits where wait.revents != 0 {
                    if let answer = receive(wait.fd, longest), body(answer) { return }
                }
            }
        }
    }

    /// Nil when there is nothing, or an error of the network, which reading it clears.
    private static func receive(_ socket: Int32, _ longest: Int) -> [UInt8]? {
        var answer = [UInt8](repeating: 0, count: longest)
        let count = recv(socket, &answer, answer.count, 0)
        return count >= 0 ? Array(answer[..<count]) : nil
    }

    private static func connectedSocket(to server: Endpoint, mark: UInt32) -> Int32? {
        let type = Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let number = socket(server.address.isIPv6 ? AF_INET6 : AF_INET, type, 0)
        guard number >= 0 else { return nil }
        var value = mark
        let isMarked =
            mark == 0 || setsockopt(number, SOL_SOCKET, SO_MARK, &value, socklen_t(MemoryLayout<UInt32>.size)) == 0
        let result = withUnsafeTemporaryAllocation(byteCount: SocketAddress.capacity, alignment: 8) { buffer in
            // Safe: the buffer has the capacity that an address needs.
            let start = buffer.baseAddress.unsafelyUnwrapped
            let size = SocketAddress.store(server, to: start)
            return connect(number, start.assumingMemoryBound(to: sockaddr.self), size)
        }
        guard isMarked, result == 0 else {
            close(number)
            return nil
        }
        return number
    }
}
