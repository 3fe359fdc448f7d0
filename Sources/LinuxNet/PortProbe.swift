import CLinux
import Glibc
package import Wire

/// Finds out what becomes of UDP datagrams to some ports, from sockets of its own.
///
/// Not for several threads at once.
package final class PortProbe {
    package enum Answer: Hashable, Sendable {
        /// Nothing came back, as it is where a WireGuard listens, and where datagrams are thrown away.
        case silence
        /// A datagram came back.
        case datagram
        case refused(NetworkRefusal)
        /// This machine didn't even send it: an `errno` value.
        case unsent(Int32)
    }

    /// What has become of datagrams to each target, in their order.
    package private(set) var answers: [Answer]
    private var sockets: [ProbeSocket] = []

    /// - Parameter mark: `SO_MARK` of what is sent; 0 for none.
    package init(_ targets: [Endpoint], mark: UInt32) {
        answers = targets.map { _ in .silence }
        for (place, target) in targets.enumerated() {
            switch ProbeSocket.open(target, mark: mark, place) {
            case .success(let socket): sockets.append(socket)
            case .failure(let error): answers[place] = .unsent(error.code)
            }
        }
    }

    deinit { sockets.forEach { close($0.descriptor) } }

    /// Sends a datagram to each target that nothing has come from.
    package func send(_ payload: [UInt8]) {
        for socket in sockets where answers[socket.place] == .silence {
            guard let code = socket.send(payload) else { continue }
            // The call may report what became of an earlier datagram instead, which the queue tells better.
            answers[socket.place] = socket.receive() ?? .unsent(code)
        }
    }

    /// Waits until something has come from every target, or the time is over.
    package func wait(milliseconds: UInt64) {
        let end = Clock.bootTime() + milliseconds * 1_000_000
        while true {
            let now = Clock.bootTime()
            let open = sockets.filter { answers[$0.place] == .silence }
            guard now < end, !open.isEmpty else { return }
            var waits = open.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
            _ = poll(&waits, nfds_t(waits.count), Int32(clamping: (end - now) / 1_000_000 + 1))
            for (socket, wait) in zip(open, waits) where wait.revents != 0 {
                answers[socket.place] = socket.receive() ?? .silence
            }
        }
    }
}

private struct ProbeSocket {
    let descriptor: Int32
    /// Its target's place in the list.
    let place: Int

    static func open(_ target: Endpoint, mark: UInt32, _ place: Int) -> Result<ProbeSocket, SystemError> {
        let type = Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let isIPv6 = target.address.isIPv6
        let number = socket(isIPv6 ? AF_INET6 : AF_INET, type, 0)
        guard number >= 0 else { return .failure(.last("open a UDP socket")) }
        var value = mark
        var isOn: Int32 = 1
        let size = socklen_t(MemoryLayout<UInt32>.size)
        let (level, option) =
            isIPv6 ? (Int32(IPPROTO_IPV6), ErrorQueue.ipv6) : (Int32(IPPROTO_IP), ErrorQueue.ipv4)
        let isSet =
            setsockopt(number, level, option, &isOn, size) == 0
            && (mark == 0 || setsockopt(number, SOL_SOCKET, SO_MARK, &value, size) == 0)
        let result = withUnsafeTemporaryAllocation(byteCount: SocketAddress.capacity, alignment: 8) { buffer in
            // Safe: the buffer has the capacity that an address needs.
            let start = buffer.baseAddress.unsafelyUnwrapped
            let size = SocketAddress.store(target, to: start)
            return connect(number, start.assumingMemoryBound(to: sockaddr.self), size)
        }
        guard isSet, result == 0 else {
            let error = SystemError.last("send to \(target)")
            close(number)
            return .failure(error)
        }
        return .success(ProbeSocket(descriptor: number, place: place))
    }

    /// The `errno` value when it couldn't be sent.
    func send(_ payload: [UInt8]) -> Int32? {
        Glibc.send(descriptor, payload, payload.count, Int32(MSG_NOSIGNAL)) < 0 ? errno : nil
    }

    /// Nil when there was nothing after all.
    func receive() -> PortProbe.Answer? {
        if let refusal = refusal() { return .refused(refusal) }
        var bytes = [UInt8](repeating: 0, count: 64)
        return recv(descriptor, &bytes, bytes.count, 0) >= 0 ? .datagram : nil
    }

    private func refusal() -> NetworkRefusal? {
        withUnsafeTemporaryAllocation(byteCount: 512, alignment: 16) { area in
            var header = msghdr()
            header.msg_control = area.baseAddress
            header.msg_controllen = numericCast(area.count)
            guard recvmsg(descriptor, &header, Int32(MSG_ERRQUEUE | MSG_DONTWAIT)) >= 0 else {
                return nil
            }
            let length = min(Int(header.msg_controllen), area.count)
            return NetworkRefusal(errorQueue: UnsafeRawBufferPointer(rebasing: area[..<length]))
        }
    }
}
