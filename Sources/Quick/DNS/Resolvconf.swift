import Control
import Glibc
import LinuxNet

/// The `resolvconf` program: Debian's, openresolv's, or systemd's `resolvectl` under that name. Quick §up 7.
struct Resolvconf {
    let program: String
    /// What the tunnel is called there.
    let entry: String
    let system: DNSSystem

    init(program: String, entry: String, system: DNSSystem) {
        self.program = program
        self.entry = entry
        self.system = system
    }

    /// The program that there is, with the name that it gives the tunnel; nil when there is none, or just systemd's, which
    /// does no more than the bus does.
    init?(_ system: DNSSystem, interface: String) {
        guard let program = Program("resolvconf", environment: system.environment)?.path, !Self.isResolvectl(program)
        else { return nil }
        self.init(program: program, entry: Self.prefix(program, system) + interface, system: system)
    }

    /// Whether `resolvconf` is a link to systemd's program.
    static func isResolvectl(_ program: String) -> Bool {
        guard let path = realpath(program, nil) else { return false }
        defer { free(path) }
        return FileAccess.name(of: String(cString: path)) == "resolvectl"
    }

    /// Hands over the servers, as metric 0 and exclusive. When it throws, there is nothing left to take back.
    func add(_ setting: DNSSetting) throws(DNSError) {
        let domains = setting.searchDomains.filter { !$0.hasPrefix("~") }
        var lines = setting.servers.map { "nameserver \($0)\n" }
        if !domains.isEmpty { lines.append("search \(domains.joined(separator: " "))\n") }
        do throws(DNSError) {
            _ = try call(["-a", entry, "-m", "0", "-x"], input: lines.joined())
        } catch {
            remove()
            throw error
        }
    }

    /// Takes the servers back. That there are none any more is no failure, nor is a program that was removed meanwhile.
    func remove() {
        _ = try? call(["-d", entry, "-f"])
    }

    /// What the tunnel has there.
    func current() throws(DNSError) -> DNSState {
        let list = ResolvConf(Array(try call(["-l", entry]).utf8))
        return DNSState(servers: list.nameservers, searchDomains: list.searchDomains)
    }

    private func call(_ arguments: [String], input: String = "") throws(DNSError) -> String {
        guard let program = Program(self.program, environment: system.environment) else {
            throw DNSError("\(self.program) is gone")
        }
        let result: Program.Result
        do throws(SystemError) {
            result = try program.run(arguments, environment: system.environment, streams: .text(input))
        } catch {
            throw DNSError(error.description)
        }
        guard result.status == 0 else {
            let words = result.errors.split(separator: "\n").last.map { ": \($0)" } ?? ""
            throw DNSError("'resolvconf \(arguments.joined(separator: " "))' ended with \(result.status)\(words)")
        }
        return result.output
    }

    /// Debian's resolvconf sorts interfaces by the patterns in a file; the first that ends in a star, `tun.*` as a rule,
    /// is where the tunnel is put.
    private static func prefix(_ program: String, _ system: DNSSystem) -> String {
        guard (try? FileAccess.state(program)) == .regular,
            (try? FileAccess.state(system.interfaceOrder)) == .regular,
            let order = try? FileAccess.read(system.interfaceOrder)
        else { return "" }
        for line in order.lines where line.last == UInt8(ascii: "*") {
            let word = line.dropLast()
            guard !word.isEmpty, word.allSatisfy(isPartOfPattern) else { continue }
            return String(decoding: word, as: UTF8.self) + "."
        }
        return ""
    }

    private static func isPartOfPattern(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
