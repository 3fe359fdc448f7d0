import Glibc

extension ConfigurationFile {
    /// A configuration file and the interface that it is for.
    package struct Location: Equatable, Sendable {
        package var interface: String
        /// Absolute, without symbolic links.
        package var path: String
        /// For the user, when others than the file's owner may read the keys.
        package var warning: String?

        package init(interface: String, path: String, warning: String? = nil) {
            self.interface = interface
            self.path = path
            self.warning = warning
        }
    }

    /// Why a file isn't found. Each description says what to do.
    package enum FindingError: Error, Equatable, CustomStringConvertible {
        case missing(path: String, reason: String)
        case badName(path: String)

        package var description: String {
            switch self {
            case .missing(let path, let reason): "`\(path)' does not exist\(reason)"
            case .badName(let path):
                """
                \(quoted(path)): the config file must be a valid interface name, followed by .conf: \
                at most 15 of letters, digits and _=+.-
                """
            }
        }
    }

    /// Finds the file that `nightjar up ARGUMENT` means: an interface's name stands for a file in `directory`, everything
    /// else is a path. Quick "Finding and parsing the file" 1–3.
    package static func find(
        argument: String, directory: String = "/etc/wireguard"
    ) throws(FindingError) -> Location {
        let path = isInterfaceName(argument) ? "\(directory)/\(argument).conf" : argument
        guard access(path, F_OK) == 0 || errno == EACCES else {
            var reason = errno == ENOENT ? "" : ": \(String(cString: strerror(errno)))"
            if path != argument, access(argument, F_OK) == 0 {
                reason = "; for the file in this directory write ./\(argument)"
            }
            throw .missing(path: path, reason: reason)
        }
        let file = path.split(separator: "/", omittingEmptySubsequences: false).last ?? ""
        let interface = String(file.dropLast(5))
        guard file.hasSuffix(".conf"), isInterfaceName(interface) else { throw .badName(path: path) }
        let real = realPath(path) ?? path
        return Location(interface: interface, path: real, warning: warning(real))
    }

    /// Whether `wg-quick` takes this for an interface's name.
    package static func isInterfaceName(_ text: String) -> Bool {
        (1...15).contains(text.utf8.count)
            && text.utf8.allSatisfy { isLetterOrDigit($0) || "_=+.-".utf8.contains($0) }
    }

    /// About permissions that both the file and its directory give to everybody.
    private static func warning(_ path: String) -> String? {
        let directory = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        guard let file = permissions(path), let folder = permissions(directory.isEmpty ? "/" : directory),
            file & folder & 0o007 != 0
        else { return nil }
        return "Warning: `\(path)' is world accessible"
    }

    private static func permissions(_ path: String) -> mode_t? {
        var status = stat()
        return stat(path, &status) == 0 ? status.st_mode : nil
    }

    private static func realPath(_ path: String) -> String? {
        guard let real = realpath(path, nil) else { return nil }
        defer { free(real) }
        return String(cString: real)
    }
}
