import CLinux
import Glibc
package import Wire

/// Finds out what becomes of UDP datagrams to a port, from sockets of its own.
package enum PortProbe {
    package enum Answer: Hashable, Sendable {
        /// Nothing came back, as it is where a WireGuard listens, and where datagrams are thrown away.
        case silence
        /// A datagram came back.
        case datagram
        case refused(NetworkRefusal)
        /// This machine didn't even send it: an `errno` value.
        case unsent(Int32)
    }

    /// Sends a datagram to each target, again after half the time, and waits for what comes back.
    ///
    /// - Parameters:
    ///   - mark: `SO_MARK` of what is sent; 0 for none.
    ///   - milliseconds: how long it takes at most; less when every target has answered.
    package static func run(
        _ targets: [Endpoint], payload: [UInt8], mark: UInt32, milliseconds: UInt64
    ) -> [Answer] {
        var answers = [Answer?](repeating: nil, count: targets.count)
        var sockets: [ProbeSocket] = []
        for (place, target) in targets.enumerated() {
            switch ProbeSocket.open(target, mark: mark, place) {
            case .success(let socket): sockets.append(socket)
            case .failure(let error): answers[place] = .unsent(error.code)
            }
        }
        defer { sockets.forEach { close($0.descriptor) } }
        let start = Clock.bootTime()
        for half in [1, 2] as [UInt64] {
            for socket in sockets where answers[socket.place] == nil {
                // The second send may report what became of the first one instead, which the queue tells better.
                if let code = socket.send(payload), half == 1 { answers[socket.place] = .unsent(code) }
            }
            // Safe: some seconds more than the time since the machine started.
            let end = start + milliseconds * 500_000 * half
            while true {
                let now = Clock.bootTime()
                let open = sockets.filter { answers[$0.place] == nil }
                guard now < end, !open.isEmpty else { break }
                var waits = open.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
                _ = poll(&waits, nfds_t(waits.count), Int32(clamping: (end - now) / 1_000_000 + 1))
                for (socket, wait) in zip(open, waits) where wait.revents != 0 {
                    answers[socket.place] = socket.receive()
                }
            }
        }
        return answers.map { $0 ?? .silence }
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
