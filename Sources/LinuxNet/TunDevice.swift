package import CLinux
import Glibc
import Wire

/// A TUN device: whole IP packets in and out, each preceded by a virtio-net header of ``Wire/VirtioHeader/size`` bytes when
/// ``offloads`` say so. Datapath §1.
///
/// One thread reads; any number may write. The last owner closes it, and the interface then goes unless it persists.
package final class TunDevice: Sendable {
    /// What to ask of the kernel, or what it gave.
    package struct Offloads: Equatable, Sendable {
        /// Packets carry virtio-net headers, and a checksum may be left to do. The two below depend on it.
        package var virtioHeader: Bool
        /// TCP super-packets in both directions.
        package var tcp: Bool
        /// UDP super-packets in both directions; Linux 6.2.
        package var udp: Bool

        package init(virtioHeader: Bool = true, tcp: Bool = true, udp: Bool = true) {
            self.virtioHeader = virtioHeader
            self.tcp = tcp
            self.udp = udp
        }

        package static let none = Offloads(virtioHeader: false, tcp: false, udp: false)
    }

    /// Bytes that one read can bring: an IP packet of any length with its header.
    package static let maximumReadSize = VirtioHeader.size + 65_535
    /// Bytes; leaves room for an outer IPv6 header in 1500.
    package static let defaultMTU = 1420

    /// The name it had when it was opened.
    package let name: String
    package let interfaceIndex: UInt32
    package let offloads: Offloads

    private let descriptor: OwnedDescriptor

    /// Creates the interface `name`, or attaches to the persistent TUN device that has this name.
    ///
    /// A new one gets no link-local IPv6 address, as WireGuard interfaces have none.
    ///
    /// - Parameters:
    ///   - name: at most 15 bytes; `%d` in it stands for the first free number.
    ///   - mtu: bytes; nil for ``defaultMTU`` on a new interface, and no change on an existing one.
    ///   - wanted: the offloads to use where the kernel has them.
    package static func create(
        name: String, mtu: Int? = nil, offloads wanted: Offloads = Offloads()
    ) throws(SystemError) -> TunDevice {
        let attempt = "create the interface \(name)"
        guard (1...15).contains(name.utf8.count) else {
            throw SystemError(EINVAL, attempt, advice: "a name has 1 to 15 bytes")
        }
        let path = "/dev/net/tun"
        let number = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK)
        guard number >= 0 else { throw .last("open \(path)", advice: openAdvice(for: errno)) }
        let descriptor = OwnedDescriptor(owning: number)

        let isNew = if_nametoindex(name) == 0
        var features: UInt32 = 0
        let hasHeader =
            wanted.virtioHeader && clinux_ioctl_address(number, CLINUX_TUNGETFEATURES, &features) == 0
            && features & UInt32(IFF_VNET_HDR) != 0
        var request = InterfaceRequest(name: name)
        request.flags = Int32(IFF_TUN) | Int32(IFF_NO_PI) | (hasHeader ? Int32(IFF_VNET_HDR) : 0)
        guard clinux_ioctl_address(number, CLINUX_TUNSETIFF, &request.form) == 0 else {
            throw .last(attempt, advice: attachAdvice(for: errno))
        }
        let device = try TunDevice(descriptor, offloads: wanted)
        if let mtu = mtu ?? (isNew ? defaultMTU : nil) { try device.setMTU(mtu) }
        if isNew {
            var netlink = try Netlink()
            // Fails where IPv6 is off, and then there is no address to prevent.
            try? netlink.disableAddressGeneration(index: device.interfaceIndex)
        }
        return device
    }

    /// Takes over a TUN device that another program has opened, with `IFF_NO_PI`, and handed on.
    ///
    /// - Throws: ``SystemError`` when the descriptor isn't that of a TUN device, or when its interface isn't in this
    ///   network namespace. The descriptor is closed then.
    package convenience init(
        adopting fileDescriptor: Int32, offloads wanted: Offloads = Offloads()
    ) throws(SystemError) {
        let flags = fcntl(fileDescriptor, F_GETFL)
        guard flags >= 0, fcntl(fileDescriptor, F_SETFL, flags | O_NONBLOCK) == 0 else {
            throw .last("use descriptor \(fileDescriptor) as a TUN device", advice: "it isn't open")
        }
        _ = fcntl(fileDescriptor, F_SETFD, FD_CLOEXEC)
        try self.init(OwnedDescriptor(owning: fileDescriptor), offloads: wanted)
    }

    private init(_ descriptor: consuming OwnedDescriptor, offloads wanted: Offloads) throws(SystemError) {
        let number = descriptor.number
        var request = InterfaceRequest(name: "")
        guard clinux_ioctl_address(number, CLINUX_TUNGETIFF, &request.form) == 0 else {
            throw .last("use descriptor \(number) as a TUN device", advice: "it is something else")
        }
        let name = request.name
        // IFF_NO_PI can't be checked: the kernel answers with the same bit for something else.
        guard request.flags & Int32(IFF_TUN) != 0 else {
            throw SystemError(EINVAL, "use \(name) as a TUN device", advice: "it is a TAP device")
        }
        let index = if_nametoindex(name)
        guard index != 0 else {
            throw .last("find the interface \(name)", advice: "it must be in the same network namespace")
        }
        let hasHeader = request.flags & Int32(IFF_VNET_HDR) != 0
        self.offloads = hasHeader ? try Self.enableOffloads(wanted, on: number, name) : .none
        self.name = name
        self.interfaceIndex = index
        self.descriptor = descriptor
    }

    package var fileDescriptor: Int32 { descriptor.number }

    /// Reads one packet without waiting. `EBADFD` when the interface was deleted.
    package func read(into buffer: UnsafeMutableRawBufferPointer) -> IOResult {
        SystemCall.read(descriptor.number, buffer)
    }

    /// Writes one packet, gathered from `count` slices, at most 1024.
    ///
    /// Fails with `EBADFD` when the interface was deleted, `EIO` when it is down, `EINVAL` when the kernel doesn't
    /// like the packet or its virtio-net header.
    package func write(_ slices: UnsafePointer<iovec>, count: Int) -> IOResult {
        SystemCall.write(descriptor.number, slices, count: count)
    }
}
