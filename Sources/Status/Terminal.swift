import CLinux
import Glibc
import LinuxNet

/// A terminal that a program draws on and reads single keys from. It is as it was when this goes.
final class Terminal {
    /// The descriptor that keys come from; nil when there is none.
    let keyboard: Int32?
    private let screen = STDOUT_FILENO
    private var former = termios()

    /// Takes the terminal behind the standard output, and that behind the standard input for keys where there is one.
    init() {
        keyboard = isatty(STDIN_FILENO) == 1 && tcgetattr(STDIN_FILENO, &former) == 0 ? STDIN_FILENO : nil
        take()
    }

    deinit {
        giveBack()
    }

    /// Columns and rows; 80 by 24 where the terminal doesn't tell.
    var size: (columns: Int, rows: Int) { Self.size(of: screen) ?? (80, 24) }

    /// Nil for what is no terminal, and for one that doesn't know.
    static func size(of descriptor: Int32) -> (columns: Int, rows: Int)? {
        var size = winsize()
        guard clinux_ioctl_address(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else {
            return nil
        }
        return (Int(size.ws_col), Int(size.ws_row))
    }

    /// Shows these lines and nothing else; what doesn't fit is for the caller to leave out.
    func draw(_ lines: [StyledLine], isColoured: Bool) {
        var bytes = Array("\u{1b}[H".utf8)
        for (number, line) in lines.enumerated() {
            if number > 0 { bytes += "\r\n".utf8 }
            line.append(to: &bytes, isColoured: isColoured)
            bytes += "\u{1b}[K".utf8
        }
        bytes += "\u{1b}[J".utf8
        write(bytes)
    }

    /// What has been typed; nil when the terminal has gone.
    func read() -> [UInt8]? {
        guard let keyboard else { return [] }
        var buffer = [UInt8](repeating: 0, count: 256)
        let count = Glibc.read(keyboard, &buffer, buffer.count)
        if count < 0 { return errno == EAGAIN || errno == EINTR ? [] : nil }
        return count == 0 ? nil : Array(buffer[..<count])
    }

    /// Stops the program as the terminal's own key for that does, until somebody continues it.
    func suspend() {
        giveBack()
        kill(getpid(), SIGSTOP)
        take()
    }

    /// Takes the terminal again from a shell that has had it while the program was stopped.
    func take() {
        if let keyboard {
            var raw = former
            raw.c_lflag &= ~tcflag_t(ICANON | ECHO)
            tcsetattr(keyboard, TCSADRAIN, &raw)
        }
        // The other screen, no cursor, no wrapping of long lines.
        write(Array("\u{1b}[?1049h\u{1b}[?25l\u{1b}[?7l".utf8))
    }

    private func giveBack() {
        write(Array("\u{1b}[?7h\u{1b}[?25h\u{1b}[?1049l".utf8))
        if let keyboard { tcsetattr(keyboard, TCSADRAIN, &former) }
    }

    /// A terminal that has gone takes nothing; that is noticed elsewhere.
    private func write(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(screen, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}
