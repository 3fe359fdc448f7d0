import Glibc
import LinuxNet

/// Talks to the configuration socket of a running interface. UAPI Part 1.
package struct UAPIClient {
    private let path: String

    /// - Throws: ``UAPISocketError`` when there can't be an interface or a socket of this name.
    package init(interface: String, in places: DevicePlaces) throws(UAPISocketError) {
        var path = try UAPISocket.path(of: interface, in: UAPISocket.defaultDirectory)
        for directory in places.socketDirectories.reversed() {
            let candidate = try UAPISocket.path(of: interface, in: directory)
            if access(candidate, F_OK) == 0 { path = candidate }
        }
        self.path = path
    }

    /// Every reason for dropping packets with how often it occurred.
    package func drops() throws(UAPIClientError) -> [(reason: String, count: UInt64)] {
        var drops: [(reason: String, count: UInt64)] = []
        for line in try request("drops=1\n\n") {
            let pair = line.split(separator: "=", maxSplits: 1)
            guard pair.count == 2, let count = UInt64(pair[1]) else { throw .unexpectedAnswer(path: path) }
            drops.append((String(pair[0]), count))
        }
        return drops
    }

    /// Sends one operation and returns the lines of its answer without the last, `errno=0`.
    private func request(_ text: String) throws(UAPIClientError) -> [Substring] {
        var answer: [UInt8] = []
        do throws(SystemError) {
            let exchange = try UAPIExchange(path, "")
            try exchange.send(Array(text.utf8))
            answer = try exchange.receive { bytes in
                answer += bytes
                return answer.suffix(2).elementsEqual([10, 10]) ? answer : nil
            }
        } catch {
            switch error.code {
            case ENOENT, ECONNREFUSED: throw .notServed(path: path)
            case EPROTO: throw .unexpectedAnswer(path: path)
            default: throw .failed(path: path, code: error.code)
            }
        }
        var lines = String(decoding: answer, as: UTF8.self).split(separator: "\n")
        guard lines.popLast() == "errno=0" else { throw .unexpectedAnswer(path: path) }
        return lines
    }
}

package enum UAPIClientError: Error, Equatable, CustomStringConvertible {
    /// Nobody listens on the socket.
    case notServed(path: String)
    /// The other side isn't Nightjar, or an older one.
    case unexpectedAnswer(path: String)
    case failed(path: String, code: Int32)

    package var description: String {
        switch self {
        case .notServed(let path): "nobody serves this interface (no listener on \(path)); start it with 'nightjar run'"
        case .unexpectedAnswer(let path): "the program that listens on \(path) doesn't know this request"
        case .failed(let path, let code): "\(path): \(SystemError.text(for: code))"
        }
    }
}
