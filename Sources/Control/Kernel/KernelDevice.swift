import Glibc
package import LinuxNet
package import Tunnel

/// A WireGuard interface that the kernel itself serves, by its generic netlink family `wireguard`. UAPI Part 2.
package struct KernelDevice: DeviceAccess {
    package let interface: String

    package init(interface: String) {
        self.interface = interface
    }

    /// The names of the kernel's WireGuard interfaces in this network namespace.
    package static func names() throws(SystemError) -> [String] {
        var netlink = try Netlink()
        return try netlink.links().filter { $0.kind == linkKind }.map(\.name)
    }

    /// Whether the kernel has a WireGuard interface of this name in this network namespace.
    package static func exists(_ name: String) throws(SystemError) -> Bool {
        var netlink = try Netlink()
        return try netlink.link(named: name)?.kind == linkKind
    }

    /// What the kernel calls interfaces of this kind.
    package static let linkKind = "wireguard"

    /// - Throws: ``SystemError``; `ENODEV` without such an interface, `EOPNOTSUPP` when it is of another kind,
    ///   `EPROTONOSUPPORT` when the kernel has no WireGuard.
    package func status() throws(SystemError) -> DeviceStatus {
        let attempt = "read the configuration of \(interface)"
        var netlink = try connect(attempt)
        do throws(SystemError) {
            return try Self.status(of: interface, attempt, over: &netlink)
        } catch {
            throw advised(error)
        }
    }

    /// Applies a change in as many messages as it takes. When one is refused those before it have taken effect.
    ///
    /// - Throws: as ``status()``, and the kernel's refusal.
    package func apply(_ change: DeviceChange) throws(SystemError) {
        let attempt = "change the configuration of \(interface)"
        guard !change.changesDisguises, !change.peers.contains(where: { $0.persistentKeepaliveMaximum != nil }) else {
            throw SystemError(
                EINVAL, attempt,
                advice: "the kernel's WireGuard has no obfuscation and no ranges; let Nightjar serve the interface")
        }
        var netlink = try connect(attempt)
        do throws(SystemError) {
            try Self.apply(change, to: interface, attempt, over: &netlink)
        } catch {
            // Kernels before 6.16 can't remove single allowed IPs.
            guard error.code == EINVAL || error.code == EOPNOTSUPP, change.removesAllowedIPs else {
                throw advised(error)
            }
            let complete = change.withoutRemovals(from: try status())
            try Self.apply(complete, to: interface, attempt, over: &netlink)
        }
    }

    static func status(
        of interface: String, _ attempt: String, over netlink: inout GenericNetlink
    ) throws(SystemError) -> DeviceStatus {
        var request = netlink.request(KernelFamily.getDevice, version: KernelFamily.version)
        request.add(KernelFamily.Device.name, text: interface)
        let parts = try netlink.dump(&request, attempt) { KernelStatusReader.part($0) }
        return KernelStatusReader.joined(parts)
    }

    static func apply(
        _ change: DeviceChange, to interface: String, _ attempt: String, over netlink: inout GenericNetlink
    ) throws(SystemError) {
        var writer = KernelChangeWriter(change, interface: interface)
        while !writer.isFinished {
            let capacity = KernelChangeWriter.messageLimit
            var request = netlink.request(
                KernelFamily.setDevice, version: KernelFamily.version, capacity: capacity)
            defer { request.wipe() }
            writer.write(to: &request)
            try netlink.order(&request, attempt)
        }
    }

    private func connect(_ attempt: String) throws(SystemError) -> GenericNetlink {
        guard interface.utf8.count < Int(IFNAMSIZ) else { throw SystemError(ENAMETOOLONG, attempt) }
        do throws(SystemError) {
            return try GenericNetlink(family: KernelFamily.name)
        } catch {
            guard error.code == ENOENT else { throw error }
            throw SystemError(
                EPROTONOSUPPORT, attempt,
                advice: "no program serves it and this kernel has no WireGuard of its own; "
                    + "try 'modprobe wireguard', or let 'nightjar up' or 'nightjar run' serve it")
        }
    }

    private func advised(_ error: SystemError) -> SystemError {
        switch error.code {
        case ENODEV: SystemError(error.code, error.attempt, advice: "there is no interface of this name")
        case EOPNOTSUPP: SystemError(error.code, error.attempt, advice: "it isn't a WireGuard interface")
        default: error
        }
    }
}
