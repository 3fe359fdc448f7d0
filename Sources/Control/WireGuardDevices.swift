import Glibc
package import LinuxNet

/// The WireGuard interfaces of this machine, whoever serves them. Part 3, "Interface lookup order".
package enum WireGuardDevices {
    /// Their names: first the kernel's own, then those of programs in the order of the socket directories. Sockets that
    /// nobody serves any more are removed.
    package static func names(in places: DevicePlaces) throws(SystemError) -> [String] {
        var names = places.includesKernel ? try KernelDevice.names() : []
        for directory in places.socketDirectories { names += try servedNames(in: directory) }
        return names
    }

    private static func servedNames(in socketDirectory: String) throws(SystemError) -> [String] {
        guard let directory = opendir(socketDirectory) else {
            if errno == ENOENT { return [] }
            throw SystemError(errno, "list \(socketDirectory)")
        }
        defer { closedir(directory) }
        var names: [String] = []
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
    package static func open(_ name: String, in places: DevicePlaces) throws(SystemError) -> any DeviceAccess {
        for directory in places.socketDirectories where isServed(name, in: directory) {
            guard let path = try? UAPISocket.path(of: name, in: directory) else { continue }
            return UserspaceDevice(interface: name, path: path)
        }
        if places.includesKernel, try KernelDevice.exists(name) { return KernelDevice(interface: name) }
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
