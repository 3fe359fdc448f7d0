import Glibc
package import LinuxNet

/// A temporary capture file, for other programs to read; it goes with its owner.
package final class PcapFileWriter {
    /// Packets that are written; more would fill a disk.
    private static let most = 500_000

    package let path: String
    private let file: UnsafeMutablePointer<FILE>
    private var written = 0

    /// Beside other temporary files, readable for its owner alone.
    package init(directory: String) throws(SystemError) {
        var name = Array("\(directory)/nightjar-XXXXXX.pcap".utf8CString)
        let descriptor = mkstemps(&name, 5)
        guard descriptor >= 0 else { throw SystemError(errno, "create a file in \(directory)") }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        path = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        guard let file = fdopen(descriptor, "w") else {
            let code = errno
            close(descriptor)
            unlink(path)
            throw SystemError(code, "write \(path)")
        }
        self.file = file
        write(UInt32(0xa1b2_3c4d))
        write(UInt16(2))
        write(UInt16(4))
        write(UInt64(0))
        write(UInt32(CaptureParser.longestPacket))
        write(LinkType.raw.number)
    }

    deinit {
        fclose(file)
        unlink(path)
    }

    /// Adds an IP packet.
    package func append(_ packet: CapturedPacket) {
        guard written < Self.most else { return }
        written += 1
        write(UInt32(truncatingIfNeeded: packet.time / 1_000_000_000))
        write(UInt32(truncatingIfNeeded: packet.time % 1_000_000_000))
        write(UInt32(truncatingIfNeeded: packet.bytes.count))
        write(UInt32(truncatingIfNeeded: packet.originalLength))
        packet.bytes.withUnsafeBytes { _ = fwrite($0.baseAddress, 1, $0.count, file) }
    }

    /// Makes all packets so far readable.
    package func flush() throws(SystemError) {
        guard fflush(file) == 0, ferror(file) == 0 else { throw SystemError(errno, "write \(path)") }
    }

    private func write(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: value) { _ = fwrite($0.baseAddress, 1, $0.count, file) }
    }
}
