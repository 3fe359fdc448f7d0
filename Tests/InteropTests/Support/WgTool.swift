import Foundation

/// The two programs that do the job of `wg`.
enum WgTool: String, CaseIterable, Sendable {
    /// Debian's.
    case stock
    /// The program under test, called through a link of that name.
    case nightjar

    func path(_ lab: Lab) throws -> String {
        switch self {
        case .stock: return try Tool.path("wg")
        case .nightjar:
            let link = "\(lab.directory)/wg"
            if !FileManager.default.fileExists(atPath: link) {
                try FileManager.default.createSymbolicLink(
                    atPath: link, withDestinationPath: try Engine.nightjar.executable())
            }
            return link
        }
    }
}

extension WireGuardHost {
    /// Runs one of the tools in the host's namespace; what it says is compared, so it may fail.
    func wg(
        _ tool: WgTool, _ words: [String], environment: [String: String] = [:], input: String = ""
    ) async throws -> CommandResult {
        try await namespace.run(
            [try tool.path(lab)] + words, environment: environment, input: input, mayFail: true)
    }
}
