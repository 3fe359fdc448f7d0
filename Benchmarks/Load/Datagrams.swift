import CLinux
import Glibc
import Wire

/// Slots for datagrams of handshake size, in the form that one system call sends or receives many of.
final class Datagrams {
    let count: Int
    private let messages: UnsafeMutablePointer<clinux_message>
    private let slices: UnsafeMutablePointer<iovec>
    private let memory: UnsafeMutableRawBufferPointer

    /// - Parameter count: slots, each of ``Message/Initiation/size`` bytes, all zero.
    init(count: Int) {
        self.count = count
        messages = .allocate(capacity: count)
        slices = .allocate(capacity: count)
        memory = .allocate(byteCount: count * Message.Initiation.size, alignment: 8)
        memory.initializeMemory(as: UInt8.self, repeating: 0)
        messages.initialize(repeating: clinux_message(), count: count)
        for index in 0..<count {
            (slices + index).initialize(
                to: iovec(iov_base: self[index].baseAddress, iov_len: Message.Initiation.size))
            messages[index].header.msg_iov = slices + index
            messages[index].header.msg_iovlen = 1
        }
    }

    deinit {
        memory.deallocate()
        slices.deallocate()
        messages.deallocate()
    }

    /// The slot at `index`.
    subscript(index: Int) -> UnsafeMutableRawBufferPointer {
        let start = index * Message.Initiation.size
        return UnsafeMutableRawBufferPointer(rebasing: memory[start..<start + Message.Initiation.size])
    }

    /// What was received into the slot at `index`.
    func received(_ index: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: self[index][..<Int(messages[index].length)])
    }

    /// Sends `count` slots from `first` on; returns how many of them went.
    func send(from first: Int, count: Int, on socket: Socket) throws -> Int {
        precondition(first >= 0 && count >= 0 && first + count <= self.count)
        let sent = clinux_send_messages(socket.descriptor, messages + first, UInt32(count), 0)
        guard sent >= 0 else { throw Failure.call("send") }
        return Int(sent)
    }

    /// Waits for datagrams and takes those that are there; 0 when none came within the socket's time limit.
    func receive(on socket: Socket) throws -> Int {
        let received = clinux_receive_messages(
            socket.descriptor, messages, UInt32(count), Int32(MSG_WAITFORONE))
        if received >= 0 { return Int(received) }
        guard errno == EAGAIN || errno == EINTR else { throw Failure.call("receive") }
        return 0
    }
}

/// A UDP socket.
final class Socket {
    let descriptor: Int32

    private init() throws {
        descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), Int32(IPPROTO_UDP))
        guard descriptor >= 0 else { throw Failure.call("open a UDP socket") }
    }

    deinit {
        close(descriptor)
    }

    /// A socket that sends to `target` alone, and whose receiver waits for `patience` microseconds at most.
    convenience init(to target: UDPAddress, patience: Int = 0) throws {
        try self.init()
        var limit = timeval(tv_sec: 0, tv_usec: patience)
        let size = socklen_t(MemoryLayout<timeval>.size)
        guard setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, size) == 0,
            with(target, { connect(descriptor, $0, $1) }) == 0
        else { throw Failure.call("reach \(target.address)") }
    }

    /// A socket that listens at `port`.
    convenience init(port: UInt16) throws {
        try self.init()
        guard with(UDPAddress(IPv4Address(0), port: port), { bind(descriptor, $0, $1) }) == 0 else {
            throw Failure.call("listen at UDP port \(port)")
        }
    }

    private func with(_ target: UDPAddress, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = target.port.bigEndian
        name.sin_addr.s_addr = target.address.value.bigEndian
        return withUnsafePointer(to: &name) { name in
            let size = MemoryLayout<sockaddr_in>.size
            return name.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(size)) }
        }
    }
}
