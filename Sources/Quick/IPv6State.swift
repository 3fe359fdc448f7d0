import LinuxNet

/// Whether IPv6 is the reason of a failure.
enum IPv6State {
    /// The same error, with what to do if IPv6 is switched off.
    static func explained(_ error: SystemError, interface: String) -> any Error {
        for name in [interface, "all"] {
            let setting = try? KernelSetting.read("net/ipv6/conf/\(name)/disable_ipv6")
            guard setting == "1", error.attempt.contains(":") else { continue }
            return QuickError(
                "\(interface): IPv6 is switched off on this machine (net.ipv6.conf.\(name).disable_ipv6 = 1), "
                    + "but the file has IPv6 in Address or AllowedIPs: take it out there, or switch IPv6 on (\(error))")
        }
        return error
    }
}
