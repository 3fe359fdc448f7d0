/// The places and programs of the system that name servers are set with.
package struct DNSSystem: Sendable {
    package var resolvConf = "/etc/resolv.conf"
    /// Where the former resolv.conf is kept when its own directory can't be written to.
    package var spareDirectory = "/run/nightjar/dns"
    /// Debian's resolvconf puts interfaces in the order of this file.
    package var interfaceOrder = "/etc/resolvconf/interface-order"
    /// What `resolvconf` keeps its records in.
    package var resolvconfState = "/run"
    /// A list of D-Bus server addresses.
    package var busAddress: String
    /// Milliseconds that an answer over the bus may take.
    package var busPatience = 5000
    /// Variables for programs; `PATH` is where they are looked for.
    package var environment: [String: String]

    package init(environment: [String: String]) {
        self.environment = environment
        let given = environment["DBUS_SYSTEM_BUS_ADDRESS"] ?? ""
        busAddress =
            given.isEmpty ? "unix:path=/run/dbus/system_bus_socket;unix:path=/var/run/dbus/system_bus_socket" : given
    }
}
