import Foundation
import Glibc
import LinuxNet
import Quick
import Testing

@testable import Setup

/// Codes as `zbarimg` of Debian's zbar-tools reads them.
@Suite(
    .enabled(if: Program("zbarimg", environment: [:]) != nil, "zbarimg (zbar-tools) reads the codes"),
    .enabled(if: dlopen("libqrencode.so.4", RTLD_NOW) != nil, "libqrencode4 makes the codes"))
struct QRCodeTests {
    /// The bytes that are read from a picture.
    private func read(_ picture: [UInt8]) throws -> [UInt8] {
        let desk = try Desk()
        let path = "\(desk.directory)/code.png"
        try Data(picture).write(to: URL(filePath: path))
        let zbarimg = try #require(Program("zbarimg", environment: [:]))
        let result = try zbarimg.run(["--quiet", "--raw", "-Sbinary", path], environment: ["LC_ALL": "C.UTF-8"])
        #expect(result.status == 0, "\(result.errors)")
        return Array(result.output.utf8)
    }

    /// What a terminal shows: a picture of its characters.
    private func rendered(_ text: String) -> [UInt8] {
        var plain = ""
        var rest = text[...]
        while let escape = rest.firstIndex(of: "\u{1b}") {
            plain += rest[..<escape]
            rest = rest[escape...].drop { $0 != "m" }.dropFirst()
        }
        plain += rest
        let lines = plain.split(separator: "\n").map(Array.init)
        let columns = lines.map(\.count).max() ?? 0
        let scale = 4
        return PNG.encode(width: columns * scale, height: 2 * lines.count * scale) { row, column in
            let character = lines[row / scale / 2][column / scale]
            let isUpper = row / scale % 2 == 0
            return character == " " || character == (isUpper ? "▄" : "▀")
        }
    }

    @Test(arguments: [1, 20, 320, 900, 2953]) func bothFormsAreReadAsTheyWereWritten(_ length: Int) throws {
        let text = (0..<length).map { UInt8(ascii: "!") + UInt8($0 * 7 % 90) }
        let code = try QRCode(text)
        #expect(try read(code.png()) == text)
        #expect(try read(rendered(code.terminalText)) == text)
        let lines = code.terminalText.split(separator: "\n")
        #expect(lines.count == code.terminalSize.lines)
    }

    @Test func aPeersFile() throws {
        let desk = try Desk()
        try desk.write(Desk.server)
        let file = try desk.add("phone") { $0.excluded = prefixes("192.168.0.0/16", "fc00::/7") }.file
        let code = try QRCode(file)
        #expect(try read(code.png()) == file)
        #expect(try read(rendered(code.terminalText)) == file)
        // A usual file fits a terminal of 80 columns.
        #expect(try QRCode(desk.add("tablet").file).terminalSize.columns <= 80)
    }

    @Test func tooLong() {
        #expect(complaint { _ = try QRCode([UInt8](repeating: 65, count: 2954)) }.contains("at most 2953 bytes"))
    }
}

@Suite struct PNGTests {
    @Test func isReadByOthers() throws {
        // One pixel more than a byte, and more than one stored block.
        let picture = PNG.encode(width: 1009, height: 700) { row, column in row % 3 == 0 || column == 1008 }
        guard let python = Program("python3", environment: [:]) else { return }
        let script = """
            import sys, zlib, struct
            data = bytes.fromhex(sys.stdin.read())
            place, idat = 8, b''
            while place < len(data):
                length, = struct.unpack('>I', data[place:place + 4])
                kind, body = data[place + 4:place + 8], data[place + 8:place + 8 + length]
                assert struct.unpack('>I', data[place + 8 + length:place + 12 + length])[0] == zlib.crc32(kind + body)
                if kind == b'IHDR': assert struct.unpack('>IIBBBBB', body) == (1009, 700, 1, 0, 0, 0, 0)
                if kind == b'IDAT': idat += body
                place += 12 + length
            rows = zlib.decompress(idat)
            assert len(rows) == 700 * 128
            for row in range(700):
                line = rows[row * 128:row * 128 + 128]
                for column in range(1009):
                    white = line[1 + column // 8] >> (7 - column % 8) & 1
                    assert white == (not (row % 3 == 0 or column == 1008)), (row, column)
            print('fine')
            """
        let hex = picture.map { String(format: "%02x", $0) }.joined()
        let result = try python.run(["-c", script], environment: [:], streams: .text(hex))
        #expect(result.output == "fine\n", "\(result.errors)")
    }
}
