import Control
import Glibc
import LinuxNet
import Wire

/// Brings a tunnel's name servers into use, in whichever way this system has, and takes them back. Quick §up 7.
///
/// `plan` changes nothing and says how to undo what `apply` will do; it is to be stored before that is called.
package struct DNS: Sendable {
    private let system: DNSSystem

    package init(_ system: DNSSystem) {
        self.system = system
    }

    /// How to go about a setting.
    package struct Plan: Sendable {
        /// Undoes everything that ``DNS/apply(_:)`` may do.
        package let record: DNSRecord
        /// Why ways weren't chosen, as clauses.
        let reasons: [String]
    }

    /// What ``DNS/apply(_:)`` has done.
    package struct Applied: Sendable {
        /// Undoes it; shorter than the plan's.
        package let record: DNSRecord
        /// For a person: the servers, the way that was taken, and why others weren't.
        package let sentence: String
    }

    /// Looks at the system and chooses. Without a way, which the sentence explains, ``Plan/record`` has none.
    package func plan(_ setting: DNSSetting) throws(DNSError) -> Plan {
        guard !setting.interface.isEmpty, setting.interface.utf8.allSatisfy({ $0 > 0x20 && $0 != UInt8(ascii: "/") })
        else { throw DNSError("'\(setting.interface)' is no interface name") }
        var ways: [DNSWay] = []
        var reasons: [String] = []
        if let reason = reasonAgainstResolved() { reasons.append(reason) } else { ways.append(.resolved) }
        if let program = Resolvconf(system, interface: setting.interface) {
            if NetworkNamespace.leaks(system.resolvconfState) {
                reasons.append("resolvconf serves other network namespaces as well")
            } else {
                ways.append(.resolvconf(program: program.program, entry: program.entry))
            }
        } else {
            reasons.append("resolvconf isn't installed")
        }
        if NetworkNamespace.leaks(system.resolvConf) {
            reasons.append("other network namespaces use \(system.resolvConf) as well")
        } else {
            ways.append(.file(try edit(for: setting.interface)))
        }
        return Plan(record: DNSRecord(setting: setting, ways: ways), reasons: reasons)
    }

    /// Brings the servers into use. When it throws, nothing is changed.
    package func apply(_ plan: Plan) throws(DNSError) -> Applied {
        var reasons = plan.reasons
        var record = plan.record
        for way in plan.record.ways {
            do throws(DNSError) {
                try apply(record.setting, by: way)
            } catch {
                reasons.append(error.description)
                continue
            }
            record.ways = [way]
            return Applied(record: record, sentence: sentence(record.setting, way, because: reasons))
        }
        guard plan.record.ways.isEmpty else {
            throw DNSError(
                """
                the DNS servers can't be set: \(reasons.joined(separator: "; ")); \
                without the DNS line the tunnel comes up and names are asked where they are now
                """)
        }
        return Applied(record: record, sentence: sentence(record.setting, nil, because: reasons))
    }

    /// Takes back what was done under a record, at any time and any number of times. Tries all of it before it throws.
    ///
    /// - Returns: sentences about what isn't as it was.
    package func restore(_ record: DNSRecord) throws(DNSError) -> [String] {
        var sentences: [String] = []
        var failures: [String] = []
        for way in record.ways {
            do {
                if let sentence = try undo(record.setting, way) { sentences.append(sentence) }
            } catch {
                failures.append("\(error)")
            }
        }
        guard failures.isEmpty else {
            throw DNSError("the DNS servers can't be taken back: \(failures.joined(separator: "; "))")
        }
        return sentences
    }

    /// The servers and search domains in use under a record, for saving a configuration.
    package func current(_ record: DNSRecord) throws(DNSError) -> DNSState {
        switch record.ways.first {
        case .resolved?:
            do throws(DBusError) {
                var resolved = try SystemdResolved.open(busAddress: system.busAddress, patience: system.busPatience)
                return try resolved.current(record.setting)
            } catch {
                throw DNSError(error.description)
            }
        case .resolvconf(let program, let entry)?:
            return try Resolvconf(program: program, entry: entry, system: system).current()
        case .file(let edit)?:
            let file = edit.current(record.setting.interface)
            return DNSState(servers: file?.nameservers ?? [], searchDomains: file?.searchDomains ?? [])
        case nil:
            return DNSState(servers: record.setting.servers, searchDomains: record.setting.searchDomains)
        }
    }

    /// Takes back edits of resolv.conf whose tunnel is gone, which a crash of the machine leaves. To be called before the
    /// names of endpoints are resolved: they would be asked at servers behind the tunnel.
    ///
    /// - Parameter isAlive: whether the tunnel on this interface is up.
    /// - Returns: a sentence for each.
    package func recover(isAlive: (_ interface: String) -> Bool) -> [String] {
        guard !NetworkNamespace.leaks(system.resolvConf) else { return [] }
        return ResolvConfEdit.all(path: system.resolvConf, spareDirectory: system.spareDirectory).compactMap { entry in
            guard !isAlive(entry.interface) else { return nil }
            do throws(SystemError) {
                switch try entry.edit.restore(entry.interface) {
                case .nothing: return nil
                case .changedMeanwhile(let sentence): return sentence
                case .restored, .leftToAnotherTunnel:
                    return
                        "\(system.resolvConf) was still as the tunnel \(entry.interface) had left it; the former one is back"
                }
            } catch {
                return error.description
            }
        }
    }
}

// MARK: - Ways

extension DNS {
    /// Why systemd-resolved isn't the one to ask, as a clause; nil when it is.
    private func reasonAgainstResolved() -> String? {
        guard isResolvConfOfResolved else { return "\(system.resolvConf) doesn't point to systemd-resolved" }
        do throws(DBusError) {
            _ = try SystemdResolved.open(busAddress: system.busAddress, patience: system.busPatience)
            return nil
        } catch {
            return "systemd-resolved: \(error)"
        }
    }

    /// Whether programs that read resolv.conf end up at systemd-resolved, as far as the file tells.
    private var isResolvConfOfResolved: Bool {
        if case .link(let target)? = try? FileAccess.state(system.resolvConf),
            ["systemd/resolve/stub-resolv.conf", "systemd/resolve/resolv.conf", "systemd/resolv.conf"]
                .contains(where: { target.hasSuffix("/\($0)") })
        {
            return true
        }
        let servers = (try? FileAccess.read(system.resolvConf))?.nameservers ?? []
        return !servers.isEmpty && servers.allSatisfy { ["127.0.0.53", "127.0.0.54"].contains($0.description) }
    }

    private func edit(for interface: String) throws(DNSError) -> ResolvConfEdit {
        do throws(SystemError) {
            return try ResolvConfEdit(
                path: system.resolvConf, interface: interface, spareDirectory: system.spareDirectory)
        } catch {
            throw DNSError(error.description)
        }
    }

    private func apply(_ setting: DNSSetting, by way: DNSWay) throws(DNSError) {
        do {
            switch way {
            case .resolved:
                var resolved = try SystemdResolved.open(busAddress: system.busAddress, patience: system.busPatience)
                try resolved.apply(setting)
            case .resolvconf(let program, let entry):
                try Resolvconf(program: program, entry: entry, system: system).add(setting)
            case .file(let edit):
                try edit.apply(setting)
            }
        } catch {
            throw DNSError("\(error)")
        }
    }

    /// Returns a sentence when something isn't as it was before.
    private func undo(_ setting: DNSSetting, _ way: DNSWay) throws -> String? {
        switch way {
        case .resolved:
            // An interface that is gone has taken its settings along.
            guard if_nametoindex(setting.interface) == setting.interfaceIndex else { return nil }
            var resolved: SystemdResolved
            do throws(DBusError) {
                resolved = try SystemdResolved.open(busAddress: system.busAddress, patience: system.busPatience)
            } catch .unreachable {
                // So have those of a service that has ended.
                return nil
            }
            try resolved.revert(setting)
        case .resolvconf(let program, let entry):
            Resolvconf(program: program, entry: entry, system: system).remove()
        case .file(let edit):
            if case .changedMeanwhile(let sentence) = try edit.restore(setting.interface) { return sentence }
        }
        return nil
    }

    /// For a person: "DNS: 10.0.0.1, search corp.example, by way of /etc/resolv.conf (resolvconf isn't installed)".
    private func sentence(_ setting: DNSSetting, _ way: DNSWay?, because reasons: [String]) -> String {
        let servers = setting.servers.map(\.description).joined(separator: ", ")
        let domains = setting.searchDomains.isEmpty ? "" : ", search \(setting.searchDomains.joined(separator: " "))"
        let why = reasons.isEmpty ? "" : " (\(reasons.joined(separator: "; ")))"
        switch way {
        case .resolved?: return "DNS: \(servers)\(domains), by way of systemd-resolved\(why)"
        case .resolvconf?: return "DNS: \(servers)\(domains), by way of resolvconf\(why)"
        case .file(let edit)?:
            let routed = setting.searchDomains.contains { $0.hasPrefix("~") }
            return "DNS: \(servers)\(domains), by way of \(edit.path)\(routed ? ", for all names" : "")\(why)"
        case nil: return "DNS: \(servers) are not set; names are asked where they were before\(why)"
        }
    }
}
