import Glibc

/// What is mounted where, in the mount namespace of the calling thread (proc(5), mountinfo).
enum MountPoints {
    /// Whether something is mounted at `path` itself; links in its directory's path are followed.
    static func contains(_ path: String) -> Bool {
        guard let directory = realpath(FileAccess.directory(of: path), nil) else { return false }
        defer { free(directory) }
        let place = String(cString: directory)
        let full = "\(place == "/" ? "" : place)/\(FileAccess.name(of: path))"
        guard let file = fopen("/proc/thread-self/mountinfo", "re") else { return false }
        defer { fclose(file) }
        var line: UnsafeMutablePointer<CChar>?
        var capacity = 0
        defer { free(line) }
        while true {
            let count = getline(&line, &capacity, file)
            guard count > 0, let line else { return false }
            let text = UnsafeRawBufferPointer(start: line, count: count)
            if mountPoint(in: text).elementsEqual(full.utf8) { return true }
        }
    }

    /// The fifth field of a line, unescaped.
    static func mountPoint(in line: some Collection<UInt8>) -> [UInt8] {
        let fields = line.split(separator: UInt8(ascii: " "), maxSplits: 5, omittingEmptySubsequences: false)
        guard fields.count > 4 else { return [] }
        var result: [UInt8] = []
        var rest = Array(fields[4])[...]
        while let byte = rest.popFirst() {
            let digits = rest.prefix(3)
            if byte == UInt8(ascii: "\\"), digits.count == 3,
                let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 8)
            {
                result.append(value)
                rest = rest.dropFirst(3)
            } else {
                result.append(byte)
            }
        }
        return result
    }
}
