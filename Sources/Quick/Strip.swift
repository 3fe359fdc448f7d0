import Control
import Glibc
import LinuxNet

/// Prints what of a file is for `wg`. Quick §strip.
package struct Strip {
    private let surroundings: Surroundings

    package init(_ surroundings: Surroundings) {
        self.surroundings = surroundings
    }

    /// Writes to the standard output. The file isn't checked, as `wg` does that.
    package func run(_ argument: String) throws {
        let location = try QuickFile.locate(argument, surroundings)
        if let warning = location.warning { surroundings.console.write(warning) }
        var text = try FileBytes.read(location.path)
        var stripped = ConfigurationFile.stripped(text) + [UInt8(ascii: "\n")]
        defer {
            text.withUnsafeMutableBytes { explicit_bzero($0.baseAddress, $0.count) }
            stripped.withUnsafeMutableBytes { explicit_bzero($0.baseAddress, $0.count) }
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
