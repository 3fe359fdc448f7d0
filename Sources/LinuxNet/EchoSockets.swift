import CLinux
import Glibc
package import Wire

/// Sends echo requests and takes what comes back, as `ping` does, by one interface or by any. It needs CAP_NET_RAW.
///
/// Not for several threads at once.
package final class EchoSockets {
    package enum Event: Hashable, Sendable {
        case reply(sequence: UInt16, from: IPAddress, microseconds: UInt64)
        case refused(sequence: UInt16, NetworkRefusal, microseconds: UInt64)
    }

    private let interface: String?
    private let mark: UInt32
    private let message: EchoMessage
    private var sockets: [(isIPv6: Bool, descriptor: Int32)] = []
    private var sequence: UInt16 = 0
    /// When requests went, by their number.
    private var times: [UInt16: UInt64] = [:]

    /// - Parameters:
    ///   - interface: the only one that requests leave by and answers come in by; nil: as the routes say.
    ///   - mark: `SO_MARK` of what is sent; 0 for none.
    package init(interface: String?, mark: UInt32 = 0, random: UInt64 = .random(in: 0 ... .max)) {
        self.interface = interface
        self.mark = mark
        message = EchoMessage(identifier: UInt16(truncatingIfNeeded: random >> 48), mark: random)
    }

    deinit { sockets.forEach { close($0.descriptor) } }

    /// Sends a request that nobody may fragment; its number.
    ///
    /// - Parameters:
    ///   - size: bytes of the IP packet.
    ///   - hops: how many routers it may pass, and one more; nil: as many as usual.
    /// - Throws: ``SystemError``: `EPERM` without CAP_NET_RAW, `EMSGSIZE` when it is larger than the interface takes,
    ///   and what a route says.
    package func send(to target: IPAddress, size: Int = 84, hops: UInt8? = nil) throws(SystemError) -> UInt16 {
        let attempt = "send an echo request to \(target)"
        let isIPv6 = target.isIPv6
        let descriptor = try socket(isIPv6)
        var limit = Int32(hops ?? 64)
        let (level, option) =
            isIPv6 ? (Int32(IPPROTO_IPV6), IPV6_UNICAST_HOPS) : (Int32(IPPROTO_IP), IP_TTL)
        guard setsockopt(descriptor, level, option, &limit, socklen_t(MemoryLayout<Int32>.size)) == 0 else {
            throw .last(attempt)
        }
        sequence &+= 1
        let bytes = message.request(sequence: sequence, size: size - (isIPv6 ? 40 : 20), isIPv6: isIPv6)
        let sent = withUnsafeTemporaryAllocation(byteCount: SocketAddress.capacity, alignment: 8) { buffer in
            // Safe: the buffer has the capacity that an address needs. A raw socket's address has no port.
            let start = buffer.baseAddress.unsafelyUnwrapped
            let length = SocketAddress.store(Endpoint(target, port: 0), to: start)
            times[sequence] = Clock.bootTime()
            return sendto(
                descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL), start.assumingMemoryBound(to: sockaddr.self),
                length)
        }
        guard sent >= 0 else {
            times[sequence] = nil
            throw .last(attempt)
        }
        return sequence
    }

    /// What has come back for our requests, at least one event unless the time is over.
    package func wait(milliseconds: UInt64) -> [Event] {
        let end = Clock.bootTime() + milliseconds * 1_000_000
        while true {
            let now = Clock.bootTime()
            let left = now < end ? Int32(clamping: (end - now + 999_999) / 1_000_000) : 0
            var waits = sockets.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
            _ = poll(&waits, nfds_t(waits.count), left)
            let events = sockets.flatMap { receive($0.descriptor) }
            if !events.isEmpty || left == 0 { return events }
        }
    }

    private func receive(_ descriptor: Int32) -> [Event] {
        var events: [Event] = []
        withUnsafeTemporaryAllocation(byteCount: 65_536, alignment: 16) { buffer in
            withUnsafeTemporaryAllocation(byteCount: SocketAddress.capacity, alignment: 8) { address in
                // Safe: the buffer has the capacity that an address needs.
                let start = address.baseAddress.unsafelyUnwrapped
                // Others' packets come too; what is left of a flood is taken the next time.
                for _ in 0..<256 {
                    var length = socklen_t(SocketAddress.capacity)
                    let count = recvfrom(
                        descriptor, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT),
                        start.assumingMemoryBound(to: sockaddr.self), &length)
                    guard count >= 0 else { return }
                    let sender = SocketAddress.load(from: start).address
                    let bytes = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[..<count])
                    switch message.answer(in: bytes, from: sender) {
                    case .reply(let sequence):
                        guard let time = times.removeValue(forKey: sequence) else { continue }
                        let microseconds = (Clock.bootTime() - time) / 1000
                        events.append(.reply(sequence: sequence, from: sender, microseconds: microseconds))
                    case .refused(let sequence, let refusal):
                        guard let time = times[sequence] else { continue }
                        let microseconds = (Clock.bootTime() - time) / 1000
                        events.append(.refused(sequence: sequence, refusal, microseconds: microseconds))
                    case nil: continue
                    }
                }
            }
        }
        return events
    }

    private func socket(_ isIPv6: Bool) throws(SystemError) -> Int32 {
        if let socket = sockets.first(where: { $0.isIPv6 == isIPv6 }) { return socket.descriptor }
        let attempt = "open a socket for echo requests"
        let type = Int32(SOCK_RAW.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let number = Glibc.socket(
            isIPv6 ? AF_INET6 : AF_INET, type, Int32(isIPv6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP))
        guard number >= 0 else {
            throw .last(attempt, advice: errno == EPERM ? "this needs CAP_NET_RAW: run as root" : nil)
        }
        do throws(SystemError) {
            try prepare(number, isIPv6, attempt)
        } catch {
            close(number)
            throw error
        }
        sockets.append((isIPv6, number))
        return number
    }

    private func prepare(_ number: Int32, _ isIPv6: Bool, _ attempt: String) throws(SystemError) {
        // IP_PMTUDISC_PROBE: nobody fragments, and what is known of the path doesn't count.
        var discovery: Int32 = 3
        let (level, option) =
            isIPv6 ? (Int32(IPPROTO_IPV6), IPV6_MTU_DISCOVER) : (Int32(IPPROTO_IP), IP_MTU_DISCOVER)
        let size = socklen_t(MemoryLayout<Int32>.size)
        guard setsockopt(number, level, option, &discovery, size) == 0 else { throw .last(attempt) }
        var value = mark
        if mark != 0, setsockopt(number, SOL_SOCKET, SO_MARK, &value, size) != 0 { throw .last(attempt) }
        if let interface {
            let result = interface.withCString {
                setsockopt(number, SOL_SOCKET, SO_BINDTODEVICE, $0, socklen_t(interface.utf8.count + 1))
            }
            guard result == 0 else { throw .last("bind a socket to \(interface)") }
        }
    }
}
