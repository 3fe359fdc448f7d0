import CLinux
import Glibc

/// Where people read.
package enum Screen {
    /// Columns that sentences are broken to: those of the terminal that is the standard output, 100 at most; 80 elsewhere.
    package static var width: Int {
        var size = winsize()
        guard clinux_ioctl_address(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col >= 20 else { return 80 }
        return min(Int(size.ws_col), 100)
    }
}
