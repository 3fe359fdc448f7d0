import Control
import Glibc
import Quick

/// Configuration files that were read, which are read again only when they change: a file of ten thousand peers takes longer to read than
/// their state. One thread only.
package final class ConfigurationCache {
    private var files: [String: Entry] = [:]

    package init() {}

    /// Begins to read the file of an interface, beside what the caller does meanwhile.
    func begin(_ interface: String, _ surroundings: Surroundings) -> Reading {
        guard let path = try? ConfigurationEdit.locate(interface, surroundings).path, let version = Version(path) else {
            files[interface] = nil
            return Reading(interface: interface, known: nil, work: nil)
        }
        if let entry = files[interface], entry.path == path, entry.version == version {
            return Reading(interface: interface, known: entry, work: nil)
        }
        let work = Background("file") {
            let text = (try? FileBytes.read(path)).flatMap { try? ConfigurationText($0, name: path) }
            return Entry(path: path, version: version, text: text)
        }
        return Reading(interface: interface, known: nil, work: work)
    }

    /// What the file says; nil when there is none, or when it can't be read or isn't right.
    func end(_ reading: Reading) -> (path: String, text: ConfigurationText)? {
        let entry = reading.work?.value() ?? reading.known
        files[reading.interface] = entry
        return entry.flatMap { entry in entry.text.map { (entry.path, $0) } }
    }

    struct Entry: Sendable {
        fileprivate let path: String
        fileprivate let version: Version
        fileprivate let text: ConfigurationText?
    }

    /// A file that is read, or was.
    struct Reading {
        fileprivate let interface: String
        fileprivate let known: Entry?
        fileprivate let work: Background<Entry>?
    }

    /// What changes whenever somebody writes a file or puts another in its place.
    fileprivate struct Version: Equatable, Sendable {
        private let device: UInt
        private let number: UInt
        private let size: Int
        private let seconds: Int
        private let nanoseconds: Int

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
