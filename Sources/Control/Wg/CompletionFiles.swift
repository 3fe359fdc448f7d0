import Glibc

/// Names of files, for a shell to offer. What can't be read isn't offered.
package enum CompletionFiles {
    /// Those that begin like this, directories with a slash at their end.
    package static func paths(beginningWith prefix: String) -> [String] {
        let parent = prefix.lastIndex(of: "/").map { String(prefix[...$0]) } ?? ""
        return names(in: parent.isEmpty ? "." : parent).map { parent + $0 }.filter { $0.hasPrefix(prefix) }.map {
            path in
            var status = stat()
            let isDirectory = stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
            return isDirectory ? path + "/" : path
        }.sorted()
    }

    /// What is in a directory.
    package static func names(in path: String) -> [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }
}
