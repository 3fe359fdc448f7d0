import Glibc
package import Quick

/// A QR code, ISO/IEC 18004: a square of dark and light modules.
package struct QRCode: Equatable, Sendable {
    /// Modules in a row, without the light border.
    package let width: Int
    /// Row by row; true is dark.
    package let modules: [Bool]

    /// The light border that readers need around it, in modules.
    package static let border = 4

    /// The longest text that fits, in bytes.
    package static let longest = 2953

    /// - Parameter modules: `width` rows of `width`.
    init(width: Int, modules: [Bool]) {
        self.width = width
        self.modules = modules
    }

    /// The code of these bytes, with the least error correction, which makes the largest modules: screens have no scratches.
    ///
    /// - Throws: a sentence when the text is too long, or the library that makes codes is missing.
    package init(_ text: [UInt8]) throws(QuickError) {
        guard text.count <= Self.longest else {
            throw QuickError(
                "a QR code holds at most \(Self.longest) bytes, and this file has \(text.count); fewer networks in "
                    + "--exclude make it shorter")
        }
        self = try QREncoder.open().encode(text)
    }

    /// Whether the module is dark; those around the code aren't.
    package func isDark(row: Int, column: Int) -> Bool {
        guard (0..<width).contains(row), (0..<width).contains(column) else { return false }
        return modules[row * width + column]
    }
}

/// The library libqrencode, loaded when the first code is made: a server that never shows one doesn't need it, and the
/// program stays one file that runs without it.
private struct QREncoder {
    /// `QRcode *QRcode_encodeData(int size, const unsigned char *data, int version, QRecLevel level)`
    private typealias Encode =
        @convention(c) (Int32, UnsafePointer<UInt8>?, Int32, Int32) -> UnsafeMutableRawPointer?
    /// `void QRcode_free(QRcode *code)`
    private typealias Free = @convention(c) (UnsafeMutableRawPointer?) -> Void

    private let encodeData: Encode
    private let free: Free

    static func open() throws(QuickError) -> QREncoder {
        guard let library = dlopen("libqrencode.so.4", RTLD_NOW | RTLD_LOCAL) else {
            throw QuickError(
                "QR codes need the library libqrencode, which isn't installed here: apt install libqrencode4 (Debian, Ubuntu), "
                    + "dnf install qrencode-libs (Fedora), or pacman -S qrencode (Arch)")
        }
        guard let encode = dlsym(library, "QRcode_encodeData"), let free = dlsym(library, "QRcode_free") else {
            throw QuickError("libqrencode.so.4 isn't the library that it is by its name; install it anew")
        }
        // The types are those of version 4 of the library, which its file's name promises.
        return QREncoder(
            encodeData: unsafeBitCast(encode, to: Encode.self), free: unsafeBitCast(free, to: Free.self))
    }

    func encode(_ text: [UInt8]) throws(QuickError) -> QRCode {
        let automaticVersion: Int32 = 0
        let leastCorrection: Int32 = 0
        // Safe: at most `QRCode.longest` bytes.
        guard let code = encodeData(Int32(text.count), text, automaticVersion, leastCorrection) else {
            throw QuickError("libqrencode made no QR code: \(String(cString: strerror(errno)))")
        }
        defer { free(code) }
        // `struct { int version; int width; unsigned char *data; }`
        let width = Int(code.load(fromByteOffset: 4, as: Int32.self))
        guard (21...177).contains(width),
            let data = code.load(fromByteOffset: 8, as: UnsafePointer<UInt8>?.self)
        else { throw QuickError("libqrencode made a QR code of an unknown size") }
        return QRCode(width: width, modules: (0..<(width * width)).map { data[$0] & 1 == 1 })
    }
}
