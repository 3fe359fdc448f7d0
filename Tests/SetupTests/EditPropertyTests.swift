import Control
import NoisePrimitives
import Quick
import TestKit
import Testing
import Wire

@testable import Setup

/// Files as people and tools write them, changed at random: what a change isn't about stays byte by byte as it is.
@Suite struct EditPropertyTests {
    /// A line, and the peer that it belongs to.
    private struct Line: Equatable {
        var text: String
        var owner: String?
    }

    @Test(arguments: 0..<20 as Range<UInt64>) func otherLinesStay(_ seed: UInt64) throws {
        let random = SeededRandom(seed: 1000 + seed)
        let desk = try Desk()
        var (lines, end) = Self.file(random)
        var bytes = Array(lines.map(\.text).joined(separator: end).utf8)
        if random.below(4) > 0 { bytes += Array(end.utf8) }
        if random.below(8) == 0 { bytes = [0xef, 0xbb, 0xbf] + bytes }
        try desk.write(bytes)
        for step in 0..<10 {
            let before = Self.split(desk.bytes())
            let names = Set(lines.compactMap(\.owner)).sorted()
            let name = names.isEmpty ? nil : names[Int(random.below(UInt64(names.count)))]
            let stock = try ConfigurationFile(parsing: desk.bytes(), name: "", dialect: .quick).peers.count
            let own: (String) -> Bool = { line in
                lines.contains { Self.plain($0.text) == line && $0.owner != nil && $0.owner == name }
            }
            let new = "peer \(seed).\(step) é"
            switch (random.below(5), name) {
            case (0, _), (_, nil):
                let formerBytes = desk.bytes()
                try desk.add(new)
                #expect(desk.bytes().starts(with: formerBytes))
                let added = Self.split(Array(desk.bytes().dropFirst(formerBytes.count))).filter { !$0.isEmpty }
                #expect(added.first == "[Peer]" && added.count == 5)
                lines += added.map { Line(text: $0, owner: new) }
                #expect(try Self.peers(desk) == stock + 1)
            case (1, let name?):
                try desk.change(.remove, name)
                let after = Self.split(desk.bytes())
                // The headings of peers that were added look all the same.
                let isHeading = { (line: String) in Self.plain(line) == "[Peer]" }
                #expect(
                    after.filter { !Self.isBlank($0) && !isHeading($0) }
                        == before.filter { !Self.isBlank($0) && !isHeading($0) && !own(Self.plain($0)) })
                #expect(before.filter(isHeading).count - after.filter(isHeading).count == (own("[Peer]") ? 1 : 0))
                #expect(before.filter(Self.isBlank).count - after.filter(Self.isBlank).count <= 1)
                lines.removeAll { $0.owner == name }
            case (2, let name?):
                let former = desk.bytes()
                let wasOn = try desk.edit().text.peer(name, file: "").isEnabled
                try desk.change(wasOn ? .disable : .enable, name)
                let after = Self.split(desk.bytes())
                #expect(after.count == before.count)
                for (old, now) in zip(before, after) where old != now {
                    #expect(own(Self.plain(old)), "\(old) → \(now)")
                }
                #expect(try Self.peers(desk) == stock + (wasOn ? -1 : 1))
                let middle = desk.bytes()
                try desk.change(wasOn ? .enable : .disable, name)
                if wasOn { #expect(desk.bytes() == former) }
                try desk.change(wasOn ? .disable : .enable, name)
                #expect(desk.bytes() == middle)
            case (_, let name?):
                try desk.change(.rename(new), name)
                let after = Self.split(desk.bytes())
                let changed = after.filter { !before.contains($0) }
                #expect(changed.count <= 1 && changed.allSatisfy { $0.contains(new) })
                #expect(before.filter { !after.contains($0) }.allSatisfy { own(Self.plain($0)) })
                #expect(after.count - before.count == (before.contains { !after.contains($0) } ? 0 : 1))
                for index in lines.indices where lines[index].owner == name { lines[index].owner = new }
                // The line with the name is a new one.
                lines += changed.map { Line(text: Self.plain($0), owner: new) }
                #expect(try Self.peers(desk) == stock)
            }
            let names2 = try desk.edit().text.peers.compactMap(\.name)
            #expect(Set(names2).count == names2.count && Set(names2) == Set(lines.compactMap(\.owner)))
        }
    }

    private static func peers(_ desk: Desk) throws -> Int {
        try ConfigurationFile(parsing: desk.bytes(), name: "", dialect: .quick).peers.count
    }

    private static func isBlank(_ line: String) -> Bool { line.allSatisfy(\.isWhitespace) }

    private static func plain(_ line: String) -> String {
        line.hasPrefix("#[disabled] ") ? String(line.dropFirst(12)) : line
    }

    private static func split(_ bytes: [UInt8]) -> [String] {
        let rest = bytes.starts(with: [0xef, 0xbb, 0xbf]) ? bytes.dropFirst(3) : bytes[...]
        return rest.split(separator: 0x0a, omittingEmptySubsequences: false).map { line in
            String(decoding: line.last == 0x0d ? line.dropLast() : line, as: UTF8.self)
        }
    }

    /// A file whose lines all differ, and how they end.
    private static func file(_ random: SeededRandom) -> ([Line], String) {
        var number = 0
        func tag() -> String {
            number += 1
            return "\(number)"
        }
        func spaces() -> String { String(repeating: random.below(3) == 0 ? "\t" : " ", count: Int(random.below(4))) }
        func value(_ key: String, _ value: String) -> String {
            let name = [key, key.lowercased(), key.uppercased()][Int(random.below(3))]
            let comment = random.below(3) == 0 ? "\(spaces())# vendor:\(tag())=x" : ""
            return "\(spaces())\(name)\(spaces())=\(spaces())\(value)\(comment)\(spaces())"
        }
        var lines: [Line] = []
        func add(_ text: String, _ owner: String? = nil) { lines.append(Line(text: text, owner: owner)) }
        func free() {
            for _ in 0..<random.below(3) {
                add("\(spaces())#\(["", "#", " ", "!"][Int(random.below(4))]) note \(tag())")
            }
        }
        free()
        add("")
        add("[Interface]")
        add("# ClientEndpoint = vpn.example:51820")
        add(value("PrivateKey", "YAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk="))
        free()
        add(value("Address", "10.8.0.1/24,fd08::1/64"))
        add("PostUp = echo \"# not a comment\" # \(tag())")
        free()
        for peer in 0..<random.below(6) {
            add("")
            free()
            for _ in 0...random.below(2) { add(spaces()) }
            let name = ["laptop", "phone", "Büro", "x"][Int(random.below(4))] + " \(peer)"
            let style = random.below(4)
            let isOff = random.below(4) == 0
            let mark = isOff ? "#[disabled] " : ""
            func own(_ text: String) { add(mark + text, name) }
            if style == 0 { own("### begin \(name) ###") }
            if style == 1 { add("# Client: \(name) (\(tag()))", name) }
            own("[Peer]\(spaces())# \(tag())")
            if style == 2 { own("\(spaces())#Name=\(name)\(spaces())") }
            if style == 3 { own("# friendly_name = \(name)") }
            if random.below(2) == 0 { own("# vendor-quota \(tag()): 5 GB") }
            var key = Bytes32()
            key.withUnsafeMutableBytes { $0[3] = UInt8(peer + 1) }
            own(value("PublicKey", PublicKey(key).base64))
            own(value("AllowedIPs", "10.8.0.\(10 + peer)/32, fd08::\(10 + peer)/128"))
            if random.below(2) == 0 { own(value("PersistentKeepalive", "25") + " # \(tag())") }
            if style == 0 { own("### end \(name) ###") }
        }
        if random.below(2) == 0 {
            add("")
            add("# the end \(tag())")
        }
        return (lines, random.below(4) == 0 ? "\r\n" : "\n")
    }
}
