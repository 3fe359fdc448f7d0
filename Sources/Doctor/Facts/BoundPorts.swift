import Control
import FoundationEssentials

/// Who has bound UDP ports, from /proc.
enum BoundPorts {
    /// The owners of those of `ports` that are bound.
    static func read(_ ports: Set<UInt16>) -> [UInt16: String] {
        var sockets: [UInt64: UInt16] = [:]
        var owners: [UInt16: String] = [:]
        for path in ["/proc/net/udp", "/proc/net/udp6"] {
            guard let text = try? FileBytes.read(path, limit: 16 << 20) else { continue }
            for (port, inode) in entries(String(decoding: text, as: UTF8.self)) where ports.contains(port) {
                // What the kernel itself has opened belongs to no file.
                owners[port] = inode == 0 ? "the kernel, perhaps for another WireGuard interface" : "a program"
                sockets[inode] = port
            }
        }
        guard !sockets.isEmpty else { return owners }
        for process in CompletionFiles.names(in: "/proc") where process.utf8.allSatisfy({ (0x30...0x39).contains($0) })
        {
            for descriptor in CompletionFiles.names(in: "/proc/\(process)/fd") {
                guard
                    let link = try? FileManager.default.destinationOfSymbolicLink(
                        atPath: "/proc/\(process)/fd/\(descriptor)"), link.hasPrefix("socket:["),
                    let port = UInt64(link.dropFirst(8).dropLast()).flatMap({ sockets[$0] })
                else { continue }
                let name = (try? FileBytes.read("/proc/\(process)/comm", limit: 4096)).map {
                    String(decoding: $0.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
                }
                owners[port] = "\((name ?? "a program").printable), process \(process)"
            }
        }
        return owners
    }

    /// The local port and the inode of each line.
    static func entries(_ text: String) -> [(port: UInt16, inode: UInt64)] {
        text.split(separator: "\n").dropFirst().compactMap { line in
            let columns = line.split(separator: " ")
            guard columns.count > 9, let colon = columns[1].lastIndex(of: ":"),
                let port = UInt16(columns[1][colon...].dropFirst(), radix: 16), let inode = UInt64(columns[9])
            else { return nil }
            return (port, inode)
        }
    }
}
