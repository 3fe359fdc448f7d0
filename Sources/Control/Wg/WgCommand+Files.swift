import Tunnel
import Wire

extension WgCommand {
    /// `showconf INTERFACE`.
    func showConfiguration(_ arguments: [String]) throws {
        guard arguments.count == 1 else { throw Failure(usage(of: .showconf)) }
        let status: DeviceStatus
        do {
            status = try open(arguments[0]).status()
        } catch {
            throw Failure("Unable to access interface: \(Self.reason(error))")
        }
        var text = ConfigurationFile(status).printed(.wg)
        defer { text.wipe() }
        try console.write(text)
    }

    /// `setconf`, `addconf` and `syncconf INTERFACE FILE`. Nothing is changed when anything in the file is wrong.
    func useFile(_ subcommand: Subcommand, _ arguments: [String]) throws {
        guard arguments.count == 2 else { throw Failure(usage(of: subcommand)) }
        let retries = try ResolutionRetries(environment: environment)
        let file = try readFile(arguments[1], isWhole: subcommand != .addconf)
        for warning in file.warnings { console.complain(warning) }
        let resolve = { (name: EndpointName) in try self.resolve(name, retries) }
        switch subcommand {
        case .setconf:
            let change = try file.replacement(resolving: resolve)
            try modify(arguments[0]) { try $0.apply(change) }
        case .addconf:
            let change = try file.addition(resolving: resolve)
            try modify(arguments[0]) { try $0.apply(change) }
        default:
            try modify(arguments[0]) { device in
                try device.apply(try file.difference(from: try device.status(), resolving: resolve))
            }
        }
    }

    private func readFile(_ path: String, isWhole: Bool) throws -> ConfigurationFile {
        var text = try FileBytes.read(path)
        defer { text.wipe() }
        do {
            return try ConfigurationFile(parsing: text, name: path, dialect: .wg, isWhole: isWhole)
        } catch {
            throw Failure("\(error)", "Configuration parsing error")
        }
    }
}
