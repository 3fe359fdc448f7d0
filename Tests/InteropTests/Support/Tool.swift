import Foundation
import Glibc

/// The programs of the system that tests call.
enum Tool {
    /// System directories come first, so that tests meet the distribution's tools.
    static let searchPath: String = {
        let system = ["/usr/bin", "/usr/sbin", "/bin", "/sbin", "/usr/local/bin", "/usr/local/sbin"]
        let own = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map(String.init)
        return (system + own.filter { !system.contains($0) }).joined(separator: ":")
    }()

    /// The absolute path of `name`; throws a sentence that names the Debian package when there is none.
    static func path(_ name: String) throws -> String {
        if name.contains("/") { return name }
        for directory in searchPath.split(separator: ":") {
            let path = "\(directory)/\(name)"
            if access(path, X_OK) == 0 { return path }
        }
        throw Failure("`\(name)` isn't installed: apt-get install \(packages[name] ?? name)")
    }

    /// The environment of every child: the caller's, without what would steer a daemon.
    static let environment: [String: String] = {
        var values = ProcessInfo.processInfo.environment.filter { name, _ in
            !name.hasPrefix("WG_") && name != "LOG_LEVEL"
        }
        values["PATH"] = searchPath
        values["LC_ALL"] = "C"
        return values
    }()

    private static let packages = [
        "ip": "iproute2", "ss": "iproute2", "nstat": "iproute2", "wg": "wireguard-tools",
        "wg-quick": "wireguard-tools", "ping": "iputils-ping", "sysctl": "procps",
    ]
}
