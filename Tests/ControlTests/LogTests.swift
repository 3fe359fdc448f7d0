import Foundation
import Logging
import Testing

@testable import Control

/// Where lines go and what they look like.
@Suite("Logs")
struct LogTests {
    @Test("Levels: the stock words, an unknown one as wireguard-go has it, and what isn't said")
    func levels() throws {
        func level(_ value: String?, _ unset: LogLevel = .info) throws -> LogLevel {
            try LogSettings(environment: value.map { ["LOG_LEVEL": $0] } ?? [:], unset: unset).level
        }
        for level in ["silent", "error", "info", "debug", "verbose"] {
            #expect(try LogSettings(environment: ["LOG_LEVEL": level]).level.rawValue == level)
        }
        #expect(try level("loud") == .error)
        #expect(try level(nil) == .info && level("") == .info)
        #expect(try level(nil, .error) == .error)
    }

    @Test("Forms: text unless told, and no others")
    func formats() throws {
        #expect(try LogSettings(environment: [:]).format == .text)
        #expect(try LogSettings(environment: ["NIGHTJAR_LOG_FORMAT": "json"]).format == .json)
        #expect(throws: DaemonError.unknownLogFormat("xml")) {
            try LogSettings(environment: ["NIGHTJAR_LOG_FORMAT": "xml"])
        }
    }

    @Test("A background process takes over what its starter has found out")
    func handedOver() throws {
        let asked = ["LOG_LEVEL": "debug", "NIGHTJAR_LOG_FORMAT": "json"]
        let told = try LogSettings(environment: asked).inBackground(asked)
        #expect(told.destination == .standardError)
        #expect(try LogSettings(environment: told.variables) == told)
        let unasked = try LogSettings(environment: [:]).inBackground([:])
        #expect(unasked.destination == (SystemLog.isThere ? .systemLog : .nowhere))
        #expect(try LogSettings(environment: unasked.variables) == unasked)
        var journal = try LogSettings(environment: [:])
        journal.destination = .journal
        #expect(journal.inBackground([:]).destination == .journal)
    }

    @Test("A stream of the journal is known by its file, not by a variable that was inherited")
    func journal() throws {
        #expect(try LogSettings(environment: ["JOURNAL_STREAM": "1:2"]).destination == .standardError)
        var status = stat()
        try #require(fstat(STDERR_FILENO, &status) == 0)
        let stream = "\(status.st_dev):\(status.st_ino)"
        #expect(try LogSettings(environment: ["JOURNAL_STREAM": stream]).destination == .journal)
    }

    @Test("A JSON line is an object with everything in it, whatever names people have")
    func json() throws {
        let name = "a\"b\\c\n\u{1}\u{7f}é\u{1F4F1}"
        let event = LogEvent(
            level: .warning, message: "\(name): roamed", metadata: ["name": "\(name)", "event": "roamed"],
            source: "", file: "", function: "", line: 0)
        let text = LogObject.text(event, interface: "wg0", time: timespec(tv_sec: 1_700_000_000, tv_nsec: 7_000_000))
        #expect(!text.utf8.contains { $0 < 0x20 || $0 == 0x7f })
        let object = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: String]
        #expect(
            object == [
                "time": "2023-11-14T22:13:20.007Z", "level": "warning", "interface": "wg0",
                "message": "\(name): roamed",
                "name": name, "event": "roamed",
            ])
    }

    @Test("The system's log gets datagrams as syslog(3) makes them, also after it was started anew, and never blocks")
    func systemLog() throws {
        let directory = TemporaryDirectory()
        let path = "\(directory.path)/log"
        let log = SystemLog(path: path)
        log.write("nobody there", severity: 6)
        var reader = boundDatagramSocket(at: path)
        log.write("wg0: first", severity: 4)
        let line = try #require(receiveText(reader))
        let form = try Regex(
            #"<28>[A-Z][a-z]{2} [ 123][0-9] [0-9]{2}:[0-9]{2}:[0-9]{2} nightjar\[[0-9]+\]: wg0: first"#)
        #expect(line.wholeMatch(of: form) != nil)
        for _ in 0..<5000 { log.write("wg0: flood", severity: 6) }
        close(reader)
        unlink(path)
        reader = boundDatagramSocket(at: path)
        log.write("wg0: second", severity: 6)
        #expect(receiveText(reader)?.hasSuffix("wg0: second") ?? false)
        close(reader)
    }
}

private func boundDatagramSocket(at path: String) -> Int32 {
    let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
    precondition(callWithPath(Glibc.bind, descriptor, path) == 0)
    return descriptor
}

private func receiveText(_ descriptor: Int32) -> String? {
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = recv(descriptor, &buffer, buffer.count, 0)
    return count < 0 ? nil : String(decoding: buffer.prefix(count), as: UTF8.self)
}
