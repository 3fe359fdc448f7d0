import Control
import Glibc
import LinuxNet

/// Prints what of a file is for `wg`. Quick §strip.
struct Strip {
    private let surroundings: Surroundings

    init(_ surroundings: Surroundings) {
        self.surroundings = surroundings
    }

    /// Writes to the standard output. The file isn't checked, as `wg` does that.
    func run(_ argument: String) throws {
        let location = try QuickFile.locate(argument, surroundings)
        if let warning = location.warning { surroundings.console.write(warning) }
        var text = try FileBytes.read(location.path)
        var stripped = ConfigurationFile.stripped(text) + [UInt8(ascii: "\n")]
        defer {
            text.wipe()
            stripped.wipe()
        }
        var rest = stripped[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw SystemError(errno, "write to the standard output") }
            rest = rest.dropFirst(count)
        }
    }
}
