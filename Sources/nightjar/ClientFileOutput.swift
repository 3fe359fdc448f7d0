import ArgumentParser
import Control
import Glibc
import LinuxNet
import Quick
import Setup

/// Where the file of a peer goes.
struct ClientFileOutput: ParsableArguments {
    @Option(name: .customLong("out"), help: "Write the peer's file to this new file instead of printing it.")
    var path: String?

    @Option(name: .customLong("qr-png"), help: "Write a picture of the QR code to this new file.")
    var picture: String?

    @Flag(
        inversion: .prefixedNo, help: "Print the QR code; done in terminals if the file itself is printed, unless told."
    )
    var qr: Bool?

    private var showsCode: Bool { qr ?? (path == nil && picture == nil && isatty(STDOUT_FILENO) == 1) }

    /// Files are never written over.
    func check() throws {
        for file in [path, picture].compactMap(\.self) where access(file, F_OK) == 0 { throw Self.exists(file) }
        if let path, path == picture { throw QuickError("--out and --qr-png can't be the same file") }
    }

    /// The code, where one is asked for. In a terminal it is left out if it can't be made.
    func code(_ file: [UInt8]) throws -> QRCode? {
        guard showsCode || picture != nil else { return nil }
        do {
            return try QRCode(file)
        } catch {
            guard qr == nil, picture == nil else { throw error }
            complain("Note: there is no QR code: \(error).")
            return nil
        }
    }

    /// Writes the files; when one can't be written there is none.
    func write(_ file: [UInt8], _ code: QRCode?) throws {
        if let path { try Self.create(path, file) }
        guard let picture, let code else { return }
        do {
            try Self.create(picture, code.png())
        } catch {
            if let path { unlink(path) }
            throw error
        }
    }

    func takeBack() {
        for file in [path, picture].compactMap(\.self) { unlink(file) }
    }

    /// Prints what isn't written to files.
    func show(_ file: [UInt8], _ code: QRCode?) throws {
        let console = StandardConsole()
        if let path { complain("The peer's file is \(path). Take it there by a safe way: it holds the peer's keys.") }
        if path == nil, picture == nil { try console.write(file) }
        guard let code, showsCode else { return }
        let size = code.terminalSize
        if let columns = Self.terminalColumns, columns < size.columns {
            complain(
                "Note: the QR code needs \(size.columns) columns, and this terminal has \(columns); make it wider or the letters "
                    + "smaller, or write a picture with --qr-png.")
            if qr == nil { return }
        }
        try console.write(Array("\n\(code.terminalText)".utf8))
    }

    private static func create(_ path: String, _ bytes: [UInt8]) throws {
        do throws(SystemError) {
            try WholeFile.create(path, with: bytes)
        } catch {
            throw error.code == EEXIST ? exists(path) : error
        }
    }

    private static func exists(_ path: String) -> any Error {
        QuickError("\(path) exists already, and stays as it is; choose another name, or remove it first")
    }

    private static var terminalColumns: Int? {
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
        return Int(size.ws_col)
    }
}
