package import Control
import Wire

/// The block that a tunnel has in a resolv.conf.
///
/// It says whose it is, and holds a checksum of its own lines, so that whether somebody has changed it can be told from the
/// file alone, also after a crash that left nothing else.
extension ResolvConf {
    /// A tunnel's lines in a file.
    package struct Block: Equatable, Sendable {
        package let interface: String
        /// Whether its lines are as they were written, and there is nothing else in the file.
        package let isPristine: Bool
        /// The lines of the file that aren't part of it, in their order.
        let others: [ArraySlice<UInt8>]
    }

    /// The file for a tunnel, in place of this one: its servers and search domains, with the options of this one.
    ///
    /// - Parameter backup: where a person finds the former file.
    func replaced(by setting: DNSSetting, backup: String) -> ResolvConf {
        var body = setting.servers.map { "nameserver \($0)" }
        let domains = setting.searchDomains.filter { !$0.hasPrefix("~") }
        if !domains.isEmpty { body.append("search " + domains.joined(separator: " ")) }
        let kept = directives.filter { $0.keyword == "options" || $0.keyword == "sortlist" }
        body += kept.map { ([$0.keyword] + $0.values).joined(separator: " ") }
        let lines = body.map { Array($0.utf8)[...] }
        let begin = """
            \(Self.mark)\(setting.interface) \(Self.checksum(lines)): while this tunnel is up; \
            'nightjar down \(setting.interface)' puts the former file back, which is kept as \(backup)
            """
        let all = [begin] + body + [Self.end(of: setting.interface)]
        return ResolvConf(Array((all.joined(separator: "\n") + "\n").utf8))
    }

    /// The first block of a tunnel in this file; nil when there is none.
    package var block: Block? {
        let lines = lines
        for (index, line) in lines.enumerated() {
            guard let (interface, checksum) = Self.beginning(line) else { continue }
            let rest = lines[(index + 1)...]
            let ending = Array(Self.end(of: interface).utf8)
            let end = rest.firstIndex { $0.elementsEqual(ending) }
            // Without its end the block goes to the end of the file.
            let body = rest[..<(end ?? rest.endIndex)]
            let others = lines[..<index] + rest[(end.map { $0 + 1 } ?? rest.endIndex)...]
            let isPristine =
                end != nil && others.allSatisfy(\.isEmpty) && Self.checksum(Array(body)) == checksum
            return Block(interface: interface, isPristine: isPristine, others: Array(others))
        }
        return nil
    }

    /// This file with the lines of another that it hasn't got.
    func adding(_ added: [ArraySlice<UInt8>]) -> ResolvConf {
        var result = text
        let present = lines
        for line in added where !line.isEmpty && !present.contains(line) {
            if let last = result.last, last != newline { result.append(newline) }
            result += line
            result.append(newline)
        }
        return ResolvConf(result)
    }

    private static let mark = "# nightjar "

    private static func end(of interface: String) -> String { "\(mark)\(interface) end" }

    /// The interface and the checksum in the line that begins a block.
    private static func beginning(_ line: ArraySlice<UInt8>) -> (interface: String, checksum: String)? {
        guard line.starts(with: mark.utf8) else { return nil }
        let words = String(decoding: line.dropFirst(mark.utf8.count), as: UTF8.self)
            .split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
        guard words.count == 3, words[1].last == ":", !words[0].isEmpty else { return nil }
        return (String(words[0]), String(words[1].dropLast()))
    }

    /// FNV-1a: it tells changed lines, not attackers, who could write what they like here.
    private static func checksum(_ lines: [ArraySlice<UInt8>]) -> String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for line in lines {
            for byte in line + [newline] { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

private let newline = UInt8(ascii: "\n")
