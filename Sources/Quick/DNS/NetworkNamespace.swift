import Glibc

/// Whether the calling thread sees the same network and the same files as other processes.
enum NetworkNamespace {
    /// Whether `process` has the same network. A process that can't be looked at hasn't.
    static func isShared(withProcess process: UInt32) -> Bool {
        var own = stat()
        var other = stat()
        guard stat("/proc/thread-self/ns/net", &own) == 0, stat("/proc/\(process)/ns/net", &other) == 0 else {
            return false
        }
        return own.st_dev == other.st_dev && own.st_ino == other.st_ino
    }

    /// Whether the calling thread has a network of its own but `path` in common with the machine's first process: what is
    /// changed there would then hold for all others, as with `ip netns exec` without an /etc/netns of its own.
    static func leaks(_ path: String) -> Bool {
        guard access("/proc/1/ns/net", F_OK) == 0, !isShared(withProcess: 1) else { return false }
        let place = FileAccess.identity(path) == nil ? FileAccess.directory(of: path) : path
        guard let theirs = FileAccess.identity("/proc/1/root\(place)") else { return true }
        return FileAccess.identity(place) == theirs
    }
}
