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
    /// The path of a program; nil when it isn't installed.
    package var find: @Sendable (_ program: String) -> String?
    /// Runs a program with this standard input, and waits for its end.
    package var run: @Sendable (_ path: String, _ arguments: [String], _ input: String) throws -> ProgramOutcome

    /// How a program ended.
    package struct ProgramOutcome: Equatable, Sendable {
        package var status: Int32
        package var output: String
        package var errors: String

        package init(status: Int32, output: String = "", errors: String = "") {
            self.status = status
            self.output = output
            self.errors = errors
        }
    }

    package init(
        environment: [String: String], find: @escaping @Sendable (String) -> String?,
        run: @escaping @Sendable (String, [String], String) throws -> ProgramOutcome
    ) {
        let given = environment["DBUS_SYSTEM_BUS_ADDRESS"] ?? ""
        busAddress =
            given.isEmpty ? "unix:path=/run/dbus/system_bus_socket;unix:path=/var/run/dbus/system_bus_socket" : given
        self.find = find
        self.run = run
    }
}
