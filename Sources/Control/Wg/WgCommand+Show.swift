import Glibc
import LinuxNet
import Tunnel
import Wire

extension WgCommand {
    /// `show [INTERFACE|all|interfaces] [FIELD]`, and `--json` among them. Part 3, "show".
    func show(_ arguments: [String]) throws {
        let wantsJSON = arguments.contains("--json")
        let words = arguments.filter { $0 != "--json" }
        if words.count == 1, ["-h", "--help", "help"].contains(words[0]) {
            console.complain(usage(of: .show))
            return
        }
        guard words.count <= 2 else { throw Failure(usage(of: .show)) }
        let target = words.first ?? "all"
        if target == "interfaces" {
            guard words.count == 1, !wantsJSON else { throw Failure(usage(of: .show)) }
            let names = try WireGuardDevices.names(in: places)
            if !names.isEmpty { try print("\(names.joined(separator: " "))\n") }
            return
        }
        var form = Form.pretty
        if wantsJSON {
            guard words.count < 2 else { throw Failure(usage(of: .show)) }
            form = .json
        } else if words.count == 2 {
            if let field = StatusField(rawValue: words[1]) {
                form = .field(field)
            } else if let setting = ObfuscationSetting(commandName: words[1]),
                ObfuscationSetting.fields.contains(setting)
            {
                form = .setting(setting)
            } else {
                throw Failure("Invalid parameter: \(quoted(words[1]))", usage(of: .show))
            }
        }
        let statuses = target == "all" ? try allStatuses() : [(target, try status(of: target))]
        try show(statuses, form, prefixed: target == "all")
    }

    private enum Form {
        case pretty, json
        case field(StatusField)
        case setting(ObfuscationSetting)
    }

    private func show(_ statuses: [(name: String, status: DeviceStatus)], _ form: Form, prefixed: Bool) throws {
        switch form {
        case .pretty:
            let style = PrettyStatus(
                isColoured: isColoured, showsKeys: showsKeys, now: time ?? Int64(Glibc.time(nil)))
            for (index, (name, status)) in statuses.enumerated() {
                if index > 0 { try print("\n") }
                try write(style.text(of: status, named: name))
            }
        case .json:
            try write(StatusDocument(statuses, showsKeys: showsKeys).encoded())
        case .field(let field):
            for (name, status) in statuses {
                let prefix = prefixed ? "\(name)\t" : ""
                try write(field.lines(of: status, prefix: prefix, withAmneziaWG: tool == .amneziaWG))
            }
        case .setting(let setting):
            for (name, status) in statuses {
                try write(Self.lines(of: setting, in: status, prefix: prefixed ? "\(name)\t" : ""))
            }
        }
    }

    /// Every interface that can be read; a line of complaint for each of the others.
    private func allStatuses() throws -> [(name: String, status: DeviceStatus)] {
        var statuses: [(name: String, status: DeviceStatus)] = []
        let names = try WireGuardDevices.names(in: places)
        for name in names {
            do {
                statuses.append((name, try open(name).status()))
            } catch {
                console.complain("Unable to access interface \(name): \(Self.reason(error))")
            }
        }
        guard !statuses.isEmpty || names.isEmpty else { throw Failure() }
        return statuses
    }

    private func status(of interface: String) throws -> DeviceStatus {
        do {
            return try open(interface).status()
        } catch {
            throw Failure("Unable to access interface: \(Self.reason(error))")
        }
    }

    /// Writes text that may hold keys.
    private func write(_ text: consuming [UInt8]) throws {
        var text = text
        defer { text.wipe() }
        try console.write(text)
    }
}
