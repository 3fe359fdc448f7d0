import LinuxNet

/// A setting of the kernel's that several tunnels may need changed, each for as long as it is up: the first one notes the
/// value from before, and the last one puts it back.
struct SharedSetting {
    /// Below /proc/sys.
    let path: String
    let needed: String

    /// Whether the reverse path filter looks at marks, which it has to as long as there is a tunnel with a default route.
    /// Quick §add_default 5.
    static let sourceMark = SharedSetting(path: "net/ipv4/conf/all/src_valid_mark", needed: "1")

    private var name: String { path.split(separator: "/").joined(separator: ".") }

    /// The value from before the first tunnel.
    ///
    /// - Parameter others: the journals of other tunnels, read after the value was.
    func former(others: () -> [Journal]) throws -> String {
        let current = try KernelSetting.read(path)
        for journal in others() {
            if let former = former(in: journal) { return former }
        }
        return current
    }

    func set(_ console: Console) throws {
        guard try KernelSetting.read(path) != needed else { return }
        console.echo("sysctl -q \(name)=\(needed)")
        try KernelSetting.write(needed, to: path)
    }

    /// Sets the former value unless another tunnel needs the present one; the last one sets it.
    func restore(_ former: String, others: [Journal], _ console: Console) throws {
        guard !others.contains(where: { self.former(in: $0) != nil }), try KernelSetting.read(path) != former else {
            return
        }
        console.echo("sysctl -q \(name)=\(former)")
        try KernelSetting.write(former, to: path)
    }

    private func former(in journal: Journal) -> String? {
        for entry in journal.entries {
            switch entry {
            case .sourceMark(let former) where path == Self.sourceMark.path: return former
            case .setting(path, let former, _): return former
            default: continue
            }
        }
        return nil
    }
}
