import Glibc
package import LinuxNet

/// Reads a capture file from the disk or a pipe.
package enum CaptureFile {
    private static let pieceSize = 1 << 20

    /// Hands all packets of `path` to `table`. What can't be read behind some packets is a remark, as of a capture that was
    /// cut off; throws when there is none.
    package static func read(_ path: String, into table: inout FlowTable) throws(InspectionError) -> [String] {
        let number = open(path, O_RDONLY | O_CLOEXEC)
        guard number >= 0 else { throw .system(SystemError(errno, "open \(path)")) }
        let descriptor = OwnedDescriptor(owning: number)
        var parser = CaptureParser()
        var piece = [UInt8](repeating: 0, count: pieceSize)
        var isEmpty = true
        while true {
            let count = Glibc.read(descriptor.number, &piece, piece.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .system(SystemError(errno, "read \(path)")) }
            if count == 0 { break }
            isEmpty = false
            parser.append(piece[..<count])
            do {
                while let packet = try parser.next() { table.see(packet) }
            } catch {
                guard table.packets > 0 else { throw .unreadable(path, error) }
                return ["\(path): \(error); only what is in front of that was read"]
            }
        }
        if isEmpty { throw .unreadable(path, .noCapture) }
        return parser.isInsideRecord ? ["\(path): the last packet is cut off"] : []
    }
}

/// Why there is nothing to inspect, in a sentence.
package enum InspectionError: Error, CustomStringConvertible {
    case system(SystemError)
    case unreadable(String, CaptureError)

    package var description: String {
        switch self {
        case .system(let error): error.description
        case .unreadable(let path, let error): "\(path): \(error)"
        }
    }
}
