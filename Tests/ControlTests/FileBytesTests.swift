import Control
import Glibc
import LinuxNet
import Testing

@Suite("Reading files")
struct FileBytesTests {
    @Test("a pipe is read to its end, whatever it says of its size")
    func pipes() throws {
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        defer { close(ends[0]) }
        let bytes = (0..<30_000).map { UInt8(truncatingIfNeeded: $0) }
        #expect(write(ends[1], bytes, bytes.count) == bytes.count)
        close(ends[1])
        #expect(try FileBytes.read("/dev/fd/\(ends[0])") == bytes)
    }

    @Test("what has no end is given up")
    func endless() {
        let error = #expect(throws: SystemError.self) { try FileBytes.read("/dev/zero", limit: 1 << 20) }
        #expect(error?.code == EFBIG)
    }

    @Test("what can't be read is named")
    func missing() {
        let error = #expect(throws: SystemError.self) { try FileBytes.read("/nowhere/at/all") }
        #expect(error?.description == "cannot read /nowhere/at/all: No such file or directory")
        #expect(throws: SystemError.self) { try FileBytes.read("/") }
    }
}
