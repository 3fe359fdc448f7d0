import Glibc
package import LinuxNet

/// The WireGuard interfaces of this machine, whoever serves them. Part 3, "Interface lookup order".
package enum WireGuardDevices {
    /// Their names: first the kernel's own, then those of programs in the order of the socket directory. Sockets that
    /// nobody serves any more are removed.
    package static func names(socketDirectory: String = UAPISocket.defaultDirectory) throws(SystemError) -> [String] {
        var names = try KernelDevice.names()
        guard let directory = opendir(socketDirectory) else {
            if errno == ENOENT { return names }
            throw SystemError(errno, "list \(socketDirectory)")
        }
        defer { closedir(directory) }
        while let entry = readdir(directory) {
            let file = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard file.hasSuffix(".sock") else { continue }
            let name = String(file.dropLast(5))
            if isServed(name, in: socketDirectory) { names.append(name) }
        }
        return names
    }

    /// The interface of this name: a program's when there is one.
    ///
    /// - Throws: ``SystemError``, `ENODEV` when there is no such interface.
    package static func open(
        _ name: String, socketDirectory: String = UAPISocket.defaultDirectory
    ) throws(SystemError) -> any DeviceAccess {
        if isServed(name, in: socketDirectory), let path = try? UAPISocket.path(of: name, in: socketDirectory) {
            return UserspaceDevice(interface: name, path: path)
        }
        if try KernelDevice.exists(name) { return KernelDevice(interface: name) }
        throw SystemError(
            ENODEV, "open interface \(quoted(name))",
            advice: "there is no WireGuard interface of this name; 'nightjar run' makes one")
    }

    /// Whether there is a socket on which somebody listens, or may listen.
    private static func isServed(_ name: String, in directory: String) -> Bool {
        guard let path = try? UAPISocket.path(of: name, in: directory) else { return false }
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else { return false }
        do throws(SystemError) {
            _ = try UAPIExchange(path, "")
        } catch  where error.code == ECONNREFUSED {
            unlink(path)
            return false
        } catch {}
        return true
    }
}
