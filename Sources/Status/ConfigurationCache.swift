import Control
import Glibc
import Quick

/// Configuration files that were read, which are read again only when they change: a file of ten thousand peers takes longer to read than
/// their state. One thread only.
package final class ConfigurationCache {
    private var files: [String: Entry] = [:]

    package init() {}

    /// The file of an interface; nil when there is none, or when it can't be read or isn't right.
    func read(_ interface: String, _ surroundings: Surroundings) -> (path: String, text: ConfigurationText)? {
        guard let path = try? ConfigurationEdit.locate(interface, surroundings).path, let version = Version(path) else {
            files[interface] = nil
            return nil
        }
        if let entry = files[interface], entry.path == path, entry.version == version {
            return entry.text.map { (path, $0) }
        }
        let text = (try? FileBytes.read(path)).flatMap { try? ConfigurationText($0, name: path) }
        files[interface] = Entry(path: path, version: version, text: text)
        return text.map { (path, $0) }
    }

    private struct Entry {
        let path: String
        let version: Version
        let text: ConfigurationText?
    }

    /// What changes whenever somebody writes a file or puts another in its place.
    private struct Version: Equatable {
        let device: UInt
        let number: UInt
        let size: Int
        let seconds: Int
        let nanoseconds: Int

        init?(_ path: String) {
            var status = stat()
            guard stat(path, &status) == 0 else { return nil }
            device = UInt(status.st_dev)
            number = UInt(status.st_ino)
            size = Int(status.st_size)
            seconds = status.st_ctim.tv_sec
            nanoseconds = status.st_ctim.tv_nsec
        }
    }
}
