/// The packet filter's rules, as far as they can be understood.
package struct FirewallRules: Sendable {
    package init() {}
}
