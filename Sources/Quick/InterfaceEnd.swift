import Glibc
import LinuxNet

/// The end of an interface that no process of ours serves, for a service manager, which sees only processes end.
enum InterfaceEnd {
    /// Returns when the interface is gone, or when the program is asked to end. One that isn't in this network namespace
    /// any more, since a hook has moved it, ends with the program.
    ///
    /// - Throws: when changes can't be watched.
    static func wait(index: UInt32) throws(SystemError) {
        let signals = try Signals([SIGINT, SIGTERM, SIGHUP])
        let monitor = try NetlinkMonitor(.interfaces)
        let wasMoved = !exists(index)
        var descriptors = [signals.fileDescriptor, monitor.fileDescriptor].map {
            pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
        }
        while wasMoved || exists(index) {
            guard poll(&descriptors, nfds_t(descriptors.count), -1) >= 0 || errno == EINTR else {
                throw SystemError(errno, "wait for the interface's end")
            }
            if signals.next() != nil { return }
            _ = monitor.nextEvents()
        }
    }

    private static func exists(_ index: UInt32) -> Bool {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(IF_NAMESIZE)) {
            if_indextoname(index, $0.baseAddress) != nil
        }
    }
}
