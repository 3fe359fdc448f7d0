import Control
import Foundation
import Glibc
import LinuxNet
import Synchronization
import Testing

#if THREAD_SANITIZER
    import struct Tunnel.Mutex
#endif

/// A console in memory.
final class MemoryConsole: CommandConsole {
    var input: [UInt8] = []
    var output: [UInt8] = []
    var complaints: [String] = []
    var isTerminal = false
    var isWorldAccessible = false

    var text: String { String(decoding: output, as: UTF8.self) }

    func read(limit: Int) throws(SystemError) -> [UInt8] {
        guard input.count <= limit else { throw SystemError(EFBIG, "read the standard input") }
        return input
    }

    func write(_ bytes: [UInt8]) throws(SystemError) { output += bytes }
    func complain(_ line: String) { complaints.append(line) }
}

/// A program that listens on a configuration socket and gives one answer to each request, with a delay before none.
final class CannedDaemon: Sendable {
    private let descriptor: Int32
    private let state = Mutex(State())

    private struct State {
        var answers: [[UInt8]]
        var requests: [String] = []

        init() { answers = [] }
    }

    /// Answers the first request with the first of `answers` and so on; the last one stands for all later ones.
    init(_ path: String, answers: [String]) {
        descriptor = boundSocket(at: path)
        precondition(listen(descriptor, 8) == 0)
        state.withLock { $0.answers = answers.map { Array($0.utf8) } }
        let thread = Thread { [self] in serve() }
        thread.start()
    }

    /// Stops listening; the file stays.
    func stop() {
        shutdown(descriptor, Int32(SHUT_RDWR))
    }

    var requests: [String] { state.withLock { $0.requests } }

    private func serve() {
        while true {
            let connection = accept(descriptor, nil, nil)
            guard connection >= 0 else { break }
            var request: [UInt8] = []
            var chunk = [UInt8](repeating: 0, count: 65536)
            while !request.suffix(2).elementsEqual([10, 10]) {
                let count = recv(connection, &chunk, chunk.count, 0)
                guard count > 0 else { break }
                request += chunk[..<count]
            }
            if !request.isEmpty {
                let answer = state.withLock { state in
                    state.requests.append(String(decoding: request, as: UTF8.self))
                    return state.answers.count > 1 ? state.answers.removeFirst() : state.answers.first ?? []
                }
                _ = send(connection, answer, answer.count, Int32(MSG_NOSIGNAL))
            }
            close(connection)
        }
        close(descriptor)
    }
}

/// The command with a console in memory and sockets in a directory of its own.
final class CommandBench {
    let console = MemoryConsole()
    let directory = TemporaryDirectory()
    var environment: [String: String] = [:]
    /// Unix time.
    var time: Int64 = 1_700_000_000
    var tool = ToolFamily.wireGuard
    var places: DevicePlaces { DevicePlaces(socketDirectories: [directory.path]) }
    private var daemons: [CannedDaemon] = []

    deinit { for daemon in daemons { daemon.stop() } }

    @discardableResult
    func serve(_ interface: String, _ answers: String...) -> CannedDaemon {
        let daemon = CannedDaemon("\(directory.path)/\(interface).sock", answers: answers)
        daemons.append(daemon)
        return daemon
    }

    /// Runs it with an empty console. Returns the exit code.
    func run(_ arguments: String..., input: String = "") -> Int32 {
        console.input = Array(input.utf8)
        console.output = []
        console.complaints = []
        let command = WgCommand(
            program: "wg", version: "nightjar test", environment: environment, console: console,
            tool: tool, places: places, time: time)
        return command.run(arguments)
    }

    /// A file of this text.
    func file(_ text: String, _ name: String = "file") -> String {
        let path = "\(directory.path)/\(name)"
        #expect(FileManager.default.createFile(atPath: path, contents: Data(text.utf8)))
        return path
    }
}
