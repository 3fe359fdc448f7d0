import CLinux
import Glibc
import Wire

/// The interface behind the device. Each call must be made in the network namespace that the interface is in.
extension TunDevice {
    /// Bytes of the largest packet.
    package func mtu() throws(SystemError) -> Int {
        var netlink = try Netlink()
        return try netlink.link(index: interfaceIndex).mtu
    }

    /// Sets the largest packet's size in bytes.
    package func setMTU(_ mtu: Int) throws(SystemError) {
        var netlink = try Netlink()
        try netlink.setMTU(mtu, index: interfaceIndex)
    }

    /// The interface's name now, in whichever namespace it is; nil when it was deleted.
    var currentName: String? {
        var request = InterfaceRequest(name: "")
        return clinux_ioctl_address(fileDescriptor, CLINUX_TUNGETIFF, &request.form) == 0 ? request.name : nil
    }

    /// Turns on what is wanted and possible; the kernel keeps the settings of a persistent device's last user.
    static func enableOffloads(_ wanted: Offloads, on descriptor: Int32, _ name: String) throws(SystemError) -> Offloads
    {
        var size = Int32(VirtioHeader.size)
        guard clinux_ioctl_address(descriptor, CLINUX_TUNSETVNETHDRSZ, &size) == 0 else {
            throw .last("set the virtio-net header's size on \(name)")
        }
        let base = UInt(TUN_F_CSUM) | (wanted.tcp ? UInt(TUN_F_TSO4) | UInt(TUN_F_TSO6) : 0)
        // Both or neither: the kernel refuses one of them alone.
        let udp = UInt(CLINUX_TUN_F_USO4) | UInt(CLINUX_TUN_F_USO6)
        if wanted.udp, clinux_ioctl_value(descriptor, CLINUX_TUNSETOFFLOAD, base | udp) == 0 {
            return Offloads(virtioHeader: true, tcp: wanted.tcp, udp: true)
        }
        guard clinux_ioctl_value(descriptor, CLINUX_TUNSETOFFLOAD, base) == 0 else {
            throw .last("turn offloads on for \(name)")
        }
        return Offloads(virtioHeader: true, tcp: wanted.tcp, udp: false)
    }

    static func openAdvice(for code: Int32) -> String? {
        switch code {
        case ENOENT, ENODEV, ENXIO:
            "load the tun module with: modprobe tun; a container needs the device passed in"
        default: nil
        }
    }

    static func attachAdvice(for code: Int32) -> String? {
        switch code {
        case EBUSY: "another program uses it"
        case EINVAL: "the name belongs to an interface that isn't a TUN device, or isn't a valid name"
        default: nil
        }
    }
}

/// `struct ifreq` with a name and flags.
struct InterfaceRequest {
    var form = ifreq()

    /// Cuts `name` to what fits.
    init(name: String) {
        withUnsafeMutableBytes(of: &form.ifr_ifrn.ifrn_name) { $0.copyBytes(from: name.utf8.prefix($0.count - 1)) }
    }

    var name: String {
        withUnsafeBytes(of: form.ifr_ifrn.ifrn_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    var flags: Int32 {
        get { Int32(UInt16(bitPattern: form.ifr_ifru.ifru_flags)) }
        set { form.ifr_ifru.ifru_flags = Int16(truncatingIfNeeded: newValue) }
    }
}
