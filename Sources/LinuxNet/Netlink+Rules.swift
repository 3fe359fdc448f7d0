import CLinux
import Glibc
package import Wire

extension Netlink {
    /// The policy rules of one family, in the order in which the kernel goes through them.
    package mutating func rules(isIPv6: Bool) throws(SystemError) -> [PolicyRule] {
        var header = fib_rule_hdr()
        header.family = UInt8(truncatingIfNeeded: isIPv6 ? AF_INET6 : AF_INET)
        var request = NetlinkRequest(RTM_GETRULE, flags: 0, header)
        do throws(SystemError) {
            return try socket.dump(&request, "list the policy rules") { PolicyRule(parsing: $0) }
        } catch {
            // No IPv6.
            guard error.code == EOPNOTSUPP || error.code == EAFNOSUPPORT else { throw error }
            return []
        }
    }

    /// As `ip rule add`: without a priority the rule goes before all but those of the highest priority there is.
    ///
    /// - Throws: ``SystemError``, `EEXIST` when there is such a rule of this priority; without a priority the kernel
    ///   doesn't mind having a rule twice.
    package mutating func addRule(_ rule: PolicyRule) throws(SystemError) {
        try make([.addRule(rule)])
    }

    /// Removes the first rule that has all that `rule` says, and maybe more.
    ///
    /// - Throws: ``SystemError``, `ENOENT` when there is no such rule.
    package mutating func removeRule(_ rule: PolicyRule) throws(SystemError) {
        try make([.removeRule(rule)])
    }
}

/// A policy rule: which packets look for their route in which table.
package struct PolicyRule: Hashable, Sendable, CustomStringConvertible {
    package var isIPv6: Bool
    /// The lower it is the earlier the rule's turn. Nil lets the kernel choose, one before the second of all rules.
    package var priority: UInt32?
    package var table: UInt32
    /// The firewall mark of packets that the rule is for; nil for all.
    package var mark: UInt32?
    /// The bits of the mark that count.
    package var markMask: UInt32 = .max
    /// Whether the rule is for those packets that the conditions don't hold for.
    package var isInverted = false
    /// Routes in the table with a prefix of this length or a shorter one don't count.
    package var suppressedPrefixLength: UInt32?
    package var source: Prefix?
    package var destination: Prefix?
    package var incomingInterface: String?
    package var outgoingInterface: String?
    /// Who made it, `RTPROT_…`; `ip rule add` leaves it at 0.
    package var origin: UInt8 = 0
    /// What the rule does; `FR_ACT_…`.
    package var action = lookUp
    /// Whether a rule that the kernel listed has conditions that are not modelled here.
    package private(set) var hasOtherConditions = false

    /// The usual action: the route is looked up in the table.
    package static let lookUp = UInt8(FR_ACT_TO_TBL)

    package init(isIPv6: Bool, table: UInt32, priority: UInt32? = nil) {
        self.isIPv6 = isIPv6
        self.table = table
        self.priority = priority
    }

    /// As `ip rule` takes it.
    package var description: String {
        var words = isInverted ? ["not"] : []
        if let source { words.append("from \(source)") }
        if let destination { words.append("to \(destination)") }
        if let mark {
            let mask = markMask == .max ? "" : "/0x\(String(markMask, radix: 16))"
            words.append("fwmark 0x\(String(mark, radix: 16))\(mask)")
        }
        if let incomingInterface { words.append("iif \(incomingInterface)") }
        if let outgoingInterface { words.append("oif \(outgoingInterface)") }
        words.append("table \(table)")
        if let suppressedPrefixLength { words.append("suppress_prefixlength \(suppressedPrefixLength)") }
        if let priority { words.append("priority \(priority)") }
        return words.joined(separator: " ")
    }
}

extension PolicyRule {
    /// Reads an `RTM_NEWRULE` of IPv4 or IPv6; nil for another message.
    init?(parsing message: NetlinkMessages.Message) {
        guard Int(message.type) == RTM_NEWRULE, message.payload.count >= MemoryLayout<fib_rule_hdr>.size else {
            return nil
        }
        let header = message.payload.loadUnaligned(as: fib_rule_hdr.self)
        guard Int32(header.family) == AF_INET || Int32(header.family) == AF_INET6 else { return nil }
        // A rule without a priority is the very first, of priority 0.
        self.init(isIPv6: Int32(header.family) == AF_INET6, table: UInt32(header.table), priority: 0)
        isInverted = header.flags & UInt32(FIB_RULE_INVERT) != 0
        action = header.action
        hasOtherConditions = header.tos != 0
        var source: IPAddress?
        var destination: IPAddress?
        var mask: UInt32?
        for attribute in NetlinkAttributes(message.payload, after: MemoryLayout<fib_rule_hdr>.size) {
            switch attribute.type {
            case Int(FRA_TABLE): table = attribute.number ?? table
            case Int(FRA_PRIORITY): priority = attribute.number
            case Int(FRA_FWMARK): mark = attribute.number
            case Int(FRA_FWMASK): mask = attribute.number
            case Int(FRA_SUPPRESS_PREFIXLEN):
                suppressedPrefixLength = attribute.number.flatMap { $0 == .max ? nil : $0 }
            case Int(FRA_SRC): source = attribute.address
            case Int(FRA_DST): destination = attribute.address
            case Int(FRA_IIFNAME): incomingInterface = attribute.text
            case Int(FRA_OIFNAME): outgoingInterface = attribute.text
            case Int(FRA_PROTOCOL): origin = attribute.integer() ?? 0
            case Int(FRA_PAD): break
            default: hasOtherConditions = true
            }
        }
        if let mask {
            // The kernel doesn't list a mark of 0.
            mark = mark ?? 0
            markMask = mask
        }
        self.source = prefix(source, header.src_len)
        self.destination = prefix(destination, header.dst_len)
    }

    /// Nil for the prefix of all addresses.
    private func prefix(_ address: IPAddress?, _ length: UInt8) -> Prefix? {
        guard let address, address.isIPv6 == isIPv6, length > 0 else { return nil }
        return Prefix(address, length: Int(length))
    }

    func request(_ type: Int, flags: Int32) -> NetlinkRequest {
        var header = fib_rule_hdr()
        header.family = UInt8(truncatingIfNeeded: isIPv6 ? AF_INET6 : AF_INET)
        header.src_len = UInt8(clamping: source?.length ?? 0)
        header.dst_len = UInt8(clamping: destination?.length ?? 0)
        header.table = UInt8(exactly: table) ?? UInt8(RT_TABLE_UNSPEC.rawValue)
        header.action = action
        header.flags = isInverted ? UInt32(FIB_RULE_INVERT) : 0
        var request = NetlinkRequest(type, flags: flags, header)
        if header.table == 0 { request.add(Int(FRA_TABLE), table) }
        if let priority { request.add(Int(FRA_PRIORITY), priority) }
        if let mark {
            request.add(Int(FRA_FWMARK), mark)
            if markMask != .max { request.add(Int(FRA_FWMASK), markMask) }
        }
        if let suppressedPrefixLength { request.add(Int(FRA_SUPPRESS_PREFIXLEN), suppressedPrefixLength) }
        if let source { request.add(Int(FRA_SRC), source.address) }
        if let destination { request.add(Int(FRA_DST), destination.address) }
        if let incomingInterface { request.add(Int(FRA_IIFNAME), text: incomingInterface) }
        if let outgoingInterface { request.add(Int(FRA_OIFNAME), text: outgoingInterface) }
        if origin != 0 { request.add(Int(FRA_PROTOCOL), origin) }
        return request
    }
}
