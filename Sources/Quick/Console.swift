import Glibc

/// The lines that people read on standard error while an interface goes up or down.
package struct Console: Sendable {
    /// The name in front of error messages, as the program was called: `nightjar`, `wg-quick`.
    package let program: String
    private let descriptor: Int32

    package init(program: String, descriptor: Int32 = STDERR_FILENO) {
        self.program = program
        self.descriptor = descriptor
    }

    /// `[#] …`: what is done next, in words that could be typed. Quick §Invocation.
    package func echo(_ command: String) {
        write("[#] \(command)")
    }

    /// The same for many, in one write.
    func echo(_ commands: [String]) {
        guard !commands.isEmpty else { return }
        write(commands.map { "[#] \($0)" }.joined(separator: "\n"))
    }

    /// `[!] …`: something to know, which is no failure.
    package func note(_ sentence: String) {
        write("[!] \(sentence)")
    }

    package func warn(_ sentence: String) {
        write("Warning: \(sentence)")
    }

    /// `PROGRAM: …`: why it failed.
    package func fail(_ sentence: String) {
        write("\(program): \(sentence)")
    }

    package func write(_ line: String) {
        var rest = Array("\(line)\n".utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            // A reader that went away is no reason to stop half-way.
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}
