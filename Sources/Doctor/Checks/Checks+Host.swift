extension Checks {
    /// Those about the machine and configurations.
    package static let ofHost: [any Check] = [
        MachineCheck(), FileCheck(), KeyCheck(), AllowedIPsCheck(), UpCheck(), DifferenceCheck(), EndpointWayCheck(),
        RouteCheck(), ReversePathCheck(), FirewallCheck(), ForwardingCheck(), NameServerCheck(),
    ]
}
