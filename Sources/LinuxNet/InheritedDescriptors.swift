import CLinux

/// What a program that is started from here inherits beside the descriptors it is handed.
package enum InheritedDescriptors {
    /// Leaves it standard input, output and error, and no more. Kernels before 5.11 leave it the others too.
    package static func closeOnExec() {
        _ = clinux_close_on_exec(3)
    }
}
