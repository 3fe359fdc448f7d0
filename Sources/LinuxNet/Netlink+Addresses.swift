import CLinux
import Glibc
package import Wire

extension Netlink {
    /// The addresses of one interface or of all, in the kernel's order, IPv4 first.
    package mutating func addresses(ofInterface index: UInt32? = nil) throws(SystemError) -> [AssignedAddress] {
        var all: [AssignedAddress] = []
        for family in [AF_INET, AF_INET6] {
            var header = ifaddrmsg()
            header.ifa_family = UInt8(truncatingIfNeeded: family)
            header.ifa_index = index ?? 0
            var request = NetlinkRequest(RTM_GETADDR, flags: 0, header)
            do throws(SystemError) {
                all += try socket.dump(&request, "list the addresses") { message in
                    AssignedAddress(parsing: message).flatMap { index == nil || $0.interface == index ? $0 : nil }
                }
            } catch {
                // What a kernel without IPv6 says, and one that is asked about an interface that has gone.
                guard error.code == EOPNOTSUPP || error.code == EAFNOSUPPORT || error.code == ENODEV else {
                    throw error
                }
            }
        }
        return all
    }

    /// As `ip address add`.
    ///
    /// - Throws: ``SystemError``, `EEXIST` when the interface has the address.
    package mutating func addAddress(_ address: InterfaceAddress, interface: UInt32) throws(SystemError) {
        try make([.addAddress(AssignedAddress(address, interface: interface))])
    }

    /// - Throws: ``SystemError``, `EADDRNOTAVAIL` when the interface doesn't have the address.
    package mutating func removeAddress(_ address: InterfaceAddress, interface: UInt32) throws(SystemError) {
        try make([.removeAddress(AssignedAddress(address, interface: interface))])
    }
}

/// An address of an interface.
package struct AssignedAddress: Hashable, Sendable, CustomStringConvertible {
    package let address: InterfaceAddress
    /// The interface's index.
    package let interface: UInt32

    package init(_ address: InterfaceAddress, interface: UInt32) {
        self.address = address
        self.interface = interface
    }

    package var description: String { "\(address) on interface \(interface)" }
}

extension AssignedAddress {
    init?(parsing message: NetlinkMessages.Message) {
        guard Int(message.type) == RTM_NEWADDR, message.payload.count >= MemoryLayout<ifaddrmsg>.size else {
            return nil
        }
        let header = message.payload.loadUnaligned(as: ifaddrmsg.self)
        // On an interface with a peer address, the one without is the peer's.
        var local: IPAddress?
        var other: IPAddress?
        for attribute in NetlinkAttributes(message.payload, after: MemoryLayout<ifaddrmsg>.size) {
            switch attribute.type {
            case Int(IFA_LOCAL): local = attribute.address
            case Int(IFA_ADDRESS): other = attribute.address
            default: break
            }
        }
        let length = Int(header.ifa_prefixlen)
        guard let address = local ?? other, let assigned = InterfaceAddress(address, length: length) else { return nil }
        self.init(assigned, interface: header.ifa_index)
    }

    func request(_ type: Int, flags: Int32) -> NetlinkRequest {
        var header = ifaddrmsg()
        header.ifa_family = address.address.netlinkFamily
        header.ifa_prefixlen = UInt8(clamping: address.length)
        header.ifa_index = interface
        var request = NetlinkRequest(type, flags: flags, header)
        request.add(Int(IFA_LOCAL), address.address)
        request.add(Int(IFA_ADDRESS), address.address)
        return request
    }
}

extension IPAddress {
    /// `AF_INET` or `AF_INET6`.
    var netlinkFamily: UInt8 { UInt8(truncatingIfNeeded: isIPv6 ? AF_INET6 : AF_INET) }

    /// 0.0.0.0 or ::.
    static func unspecified(isIPv6: Bool) -> IPAddress {
        isIPv6 ? .v6(IPv6Address(high: 0, low: 0)) : .v4(IPv4Address(0))
    }
}
