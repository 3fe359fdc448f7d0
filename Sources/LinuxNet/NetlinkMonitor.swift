import CLinux
import Glibc

/// Reports changes of interfaces, or of addresses and routes, in the network namespace of the thread that creates it.
///
/// Belongs to one thread. Create it before reading the state to be watched: then no change falls between.
package struct NetlinkMonitor: ~Copyable {
    private let socket: NetlinkSocket
    private let buffer: UnsafeMutableRawBufferPointer

    package enum Subject: Sendable {
        case interfaces
        /// Routes and addresses.
        case routing
    }

    package init(_ subject: Subject) throws(SystemError) {
        let groups =
            switch subject {
            case .interfaces: RTMGRP_LINK
            case .routing: RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR
            }
        socket = try NetlinkSocket(groups: UInt32(groups))
        buffer = .allocate(byteCount: NetlinkSocket.bufferSize, alignment: 8)
    }

    deinit {
        buffer.deallocate()
    }

    /// Readable while events wait.
    package var fileDescriptor: Int32 { socket.fileDescriptor }

    /// The next events, at most one system call's worth; empty when none waits. Doesn't block.
    package func nextEvents() -> [NetworkEvent] {
        while true {
            switch socket.receive(into: buffer) {
            case .bytes(let count):
                let events = NetworkEvent.parse(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
                if !events.isEmpty { return events }
            case .nothing: return []
            // ENOBUFS, or something as strange: either way the picture may have a hole.
            case .failed: return [.overflow]
            }
        }
    }
}
