import CLinux
import Glibc

/// Questions and orders to the kernel about interfaces, addresses, routes and policy rules, in the network namespace of
/// the thread that creates it. For set-up and control: each waits for its answer.
package struct Netlink: ~Copyable {
    var socket: NetlinkSocket

    package init() throws(SystemError) {
        socket = try NetlinkSocket()
    }

    /// Makes changes in order, a thousand in milliseconds. All are attempted, also after one has failed.
    ///
    /// - Parameter codes: `errno` values that don't count as failures, as `EEXIST` for what is there already.
    /// - Throws: the first failure.
    package mutating func make(_ changes: [NetworkChange], tolerating codes: Set<Int32> = []) throws(SystemError) {
        let refusals = try socket.perform(changes.map(\.request), "change the network")
        guard let first = refusals.first(where: { !codes.contains($0.verdict.code) }) else { return }
        throw SystemError(first.verdict, changes[first.position].description)
    }

    /// Sends a request that the kernel only acknowledges.
    mutating func order(_ request: consuming NetlinkRequest, _ attempt: String) throws(SystemError) {
        request.finish(sequence: 0, flags: NLM_F_ACK)
        _ = try socket.request(&request, attempt) { _ in () }
    }
}

/// A change to addresses, routes or policy rules.
package enum NetworkChange: Hashable, Sendable, CustomStringConvertible {
    case addAddress(AssignedAddress)
    case removeAddress(AssignedAddress)
    case addRoute(Route)
    case removeRoute(Route)
    case addRule(PolicyRule)
    case removeRule(PolicyRule)

    /// What is attempted, as it follows "cannot".
    package var description: String {
        switch self {
        case .addAddress(let address): "add the address \(address)"
        case .removeAddress(let address): "remove the address \(address)"
        case .addRoute(let route): "add the route \(route)"
        case .removeRoute(let route): "remove the route \(route)"
        case .addRule(let rule): "add the \(rule.isIPv6 ? "IPv6" : "IPv4") policy rule \(rule)"
        case .removeRule(let rule): "remove the \(rule.isIPv6 ? "IPv6" : "IPv4") policy rule \(rule)"
        }
    }

    var request: NetlinkRequest {
        switch self {
        case .addAddress(let address): address.request(RTM_NEWADDR, flags: NLM_F_CREATE | NLM_F_EXCL)
        case .removeAddress(let address): address.request(RTM_DELADDR, flags: 0)
        case .addRoute(let route): route.request(RTM_NEWROUTE, flags: NLM_F_CREATE | NLM_F_EXCL)
        case .removeRoute(let route): route.request(RTM_DELROUTE, flags: 0)
        case .addRule(let rule): rule.request(RTM_NEWRULE, flags: NLM_F_CREATE | NLM_F_EXCL)
        case .removeRule(let rule): rule.request(RTM_DELRULE, flags: 0)
        }
    }
}
