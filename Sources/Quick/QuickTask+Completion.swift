import Control
import Glibc

extension QuickTask {
    /// What may follow on a command line, for a shell to offer: interfaces that are up for what needs one, else the
    /// names of configurations and files of that kind.
    ///
    /// - Parameter prefix: what is there of the word; candidates may begin otherwise.
    package func candidates(prefix: String, configurationDirectory: String = "/etc/wireguard") -> [String] {
        switch self {
        case .down, .save, .reload: (try? WireGuardDevices.names(in: ToolFamily.nightjar.devicePlaces)) ?? []
        case .up, .strip:
            Self.configurations(in: configurationDirectory).map { String($0.dropLast(".conf".count)) }
                + Self.files(beginningWith: prefix)
        }
    }

    private static func configurations(in directory: String) -> [String] {
        CompletionFiles.names(in: directory).filter { $0.hasSuffix(".conf") }.sorted()
    }

    private static func files(beginningWith prefix: String) -> [String] {
        CompletionFiles.paths(beginningWith: prefix).filter { $0.hasSuffix(".conf") || $0.hasSuffix("/") }
    }
}
