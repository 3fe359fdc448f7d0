package import Control
import Glibc

/// What a job finds around it, and how it tells people.
package struct Surroundings: Sendable {
    package let console: Console
    /// The caller's variables; `PATH` begins with this program's own directory, so that the hooks of a tunnel find the
    /// `wg` that belongs to it. Quick §Invocation.
    package let environment: [String: String]
    /// Where journals and locks are.
    package let directory: String
    /// Whose files and sockets are worked with.
    package let tool: ToolFamily
    /// Where configuration files are that are named by their interface.
    package let configurationDirectory: String

    package init(
        console: Console, environment: [String: String], tool: ToolFamily = .nightjar,
        directory: String = "/run/nightjar/quick", configurationDirectory: String? = nil
    ) {
        var environment = environment
        let usual = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        environment["PATH"] = [Self.ownDirectory, environment["PATH"] ?? usual].compactMap(\.self).joined(
            separator: ":")
        self.console = console
        self.environment = environment
        self.tool = tool
        self.directory = directory
        self.configurationDirectory = configurationDirectory ?? tool.configurationDirectory
    }

    /// Where interfaces are looked for: first with the tool's own daemons, then everywhere.
    package var devicePlaces: DevicePlaces {
        var places = ToolFamily.nightjar.devicePlaces
        places.socketDirectories =
            [tool.socketDirectory] + places.socketDirectories.filter { $0 != tool.socketDirectory }
        return places
    }

    /// The variables of hooks and of the system's programs. Who they are started by is nothing for them to report to
    /// the service manager.
    var childEnvironment: [String: String] {
        var variables = environment
        variables["LC_ALL"] = "C"
        variables["NOTIFY_SOCKET"] = nil
        variables[MetricsAddress.variable] = nil
        return variables
    }

    /// The variables of a daemon: the caller's, without what would make it another kind of daemon.
    var daemonEnvironment: [String: String] {
        var variables = environment
        for name in ["NOTIFY_SOCKET", "WG_TUN_FD", "WG_UAPI_FD", "WG_TUN_NAME_FILE", "WG_PROCESS_FOREGROUND"] {
            variables[name] = nil
        }
        return variables
    }

    func program(_ name: String) -> Program? {
        Program(name, environment: environment)
    }

    /// The directory of the file that this program was started from.
    private static var ownDirectory: String? {
        guard let path = realpath("/proc/self/exe", nil) else { return nil }
        defer { free(path) }
        let text = String(cString: path)
        return text.lastIndex(of: "/").map { $0 == text.startIndex ? "/" : String(text[..<$0]) }
    }
}
