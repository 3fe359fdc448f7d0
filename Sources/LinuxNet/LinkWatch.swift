import CLinux
import Glibc

/// Follows the interface of a TUN device, in whichever network namespace it is. Belongs to one thread.
///
/// An interface may be moved to another namespace while its daemon and the daemon's sockets stay where they are. A netlink
/// socket belongs to the namespace that it was opened in, so after a move there has to be a new watch.
package final class LinkWatch {
    /// The interface's index in its namespace.
    package let interfaceIndex: UInt32
    private var netlink: Netlink
    private var monitor: NetlinkMonitor

    /// Watches an interface in the calling thread's namespace.
    package init(interfaceIndex: UInt32) throws(SystemError) {
        self.interfaceIndex = interfaceIndex
        monitor = try NetlinkMonitor(.interfaces)
        netlink = try Netlink()
    }

    /// Watches the interface of `device` in the namespace where it is now; nil when it was deleted.
    package static func following(_ device: TunDevice) throws(SystemError) -> LinkWatch? {
        guard let name = device.currentName else { return nil }
        let namespace = clinux_ioctl_value(device.fileDescriptor, CLINUX_TUNGETDEVNETNS, 0)
        guard namespace >= 0 else { throw .last("find the network namespace of \(name)") }
        let descriptor = OwnedDescriptor(owning: namespace)
        let number = descriptor.number
        let box = Box()
        // A thread of its own enters the namespace; the sockets that it opens stay in there.
        let thread = try NativeThread(name: "namespace") {
            box.result = Result { () throws(SystemError) in
                guard clinux_enter_network_namespace(number) == 0 else {
                    throw .last("enter the network namespace of \(name)")
                }
                let index = if_nametoindex(name)
                guard index != 0 else { throw .last("find the interface \(name)") }
                return try LinkWatch(interfaceIndex: index)
            }
        }
        thread.join()
        return try box.result?.get()
    }

    /// Readable while events wait.
    package var fileDescriptor: Int32 { monitor.fileDescriptor }

    /// The next events, of all interfaces; empty when none waits.
    package func nextEvents() -> [NetworkEvent] { monitor.nextEvents() }

    /// The interface's state now.
    package func state() throws(SystemError) -> LinkState { try netlink.link(index: interfaceIndex) }

    /// Limits the super-packets that reads bring, in bytes and in segments; the kernel segments what exceeds either.
    package func limitSegmentation(bytes: Int, segments: Int) throws(SystemError) {
        try netlink.limitSegmentation(bytes: bytes, segments: segments, index: interfaceIndex)
    }

    // Safe: the thread that writes it has ended before it is read.
    private final class Box: @unchecked Sendable {
        var result: Result<LinkWatch, SystemError>?
    }
}
