import Control
import Tunnel

/// Whether the file can be read, and only by whom it may.
struct FileCheck: Check {
    func findings(_ interface: InterfaceFacts, _ facts: Facts) -> [Finding] {
        guard let file = interface.file else { return privateKey(interface) }
        var findings: [Finding] = []
        if let problem = file.problem {
            findings.append(
                interface.finding(
                    .fileInvalid, interface.snapshot == nil ? .failure : .warning,
                    "The configuration file can't be read as one\(interface.snapshot == nil ? "" : ", so the next 'nightjar up' will fail").",
                    evidence: [problem], remedy: "Correct that line of \(file.path)."))
        }
        if file.isReadableByOthers {
            findings.append(
                interface.finding(
                    .fileReadableByOthers, .warning, "Everybody on this machine may read the private key.",
                    evidence: ["\(file.path) has permissions for others"], remedy: "chmod 600 \(file.path)"))
        }
        return findings + doubts(file, interface) + privateKey(interface)
    }

    private func doubts(_ file: FileFacts, _ interface: InterfaceFacts) -> [Finding] {
        guard let text = file.text else { return [] }
        let warning = "Warning: "
        var evidence = text.configuration.warnings.map { $0.replacing(warning, with: "") }
        evidence += PeerAnnotations(text.layout, text.configuration, name: file.path).warnings
            .map { $0.replacing(warning, with: "") }
        if let setting = text.layout.interfaceComment(.forwarding),
            Forwarding(rawValue: setting.value.lowercased()) == nil
        {
            evidence.append(
                "\(file.path):\(setting.line): Forwarding has the value \(quoted(setting.value)); it takes off, on and nat"
            )
        }
        evidence += Misspelling.all(in: text.layout).map {
            "\(file.path):\($0.line): \(quoted($0.word)) looks like \($0.meant)"
        }
        guard !evidence.isEmpty else { return [] }
        return [
            interface.finding(
                .fileDoubtful, .warning, "The file says something that is probably not meant.", evidence: evidence,
                remedy: "Look at \(evidence.count == 1 ? "that line" : "these lines") of \(file.path).")
        ]
    }

    private func privateKey(_ interface: InterfaceFacts) -> [Finding] {
        if let status = interface.status {
            guard status.privateKey == nil else { return [] }
        } else {
            guard let settings = interface.configuration?.interface, settings.privateKey == nil,
                !(settings.preUp + settings.postUp).contains(where: { $0.contains("private-key") })
            else { return [] }
        }
        let remedy =
            interface.file.map { "Make one with 'nightjar genkey', and put it into \($0.path) as PrivateKey." }
            ?? "nightjar genkey > key; nightjar set \(interface.name) private-key key"
        return [
            interface.finding(
                .noPrivateKey, .failure,
                "\(interface.name) has no private key, so it can't take part in any handshake.",
                evidence: [
                    interface.status == nil
                        ? "\(interface.file?.path ?? interface.name) has no PrivateKey"
                        : "nightjar show \(interface.name) private-key: (none)"
                ], remedy: remedy)
        ]
    }
}
