import Control
import TestKit
import Testing

@testable import Status

@Suite("Texts for a terminal")
struct TextTests {
    @Test(
        arguments: [
            (0, "0 B"), (1023, "1023 B"), (1024, "1.00 KiB"), (1029, "1.00 KiB"), (1030, "1.01 KiB"),
            (10_234, "9.99 KiB"), (10_239, "10.0 KiB"), (102_399, "100 KiB"), (1 << 20 - 1, "1024 KiB"),
            (1 << 20, "1.00 MiB"),
            (5 << 30, "5.00 GiB"), (.max, "16.0 EiB"),
        ] as [(UInt64, String)])
    func amounts(_ bytes: UInt64, _ text: String) {
        #expect(Amount.text(bytes) == text)
        #expect(text.count <= 8)
    }

    @Test(
        arguments: [
            (0, "just now", "now"), (1, "1 second ago", "1 s ago"), (59, "59 seconds ago", "59 s ago"),
            (60, "1 minute ago", "1 min ago"), (3599, "59 minutes ago", "59 min ago"), (7200, "2 hours ago", "2 h ago"),
            (86400, "1 day ago", "1 d ago"), (.max / 1000, "213503982334 days ago", "213503982334 d ago"),
        ] as [(UInt64, String, String)])
    func ages(_ age: UInt64, _ long: String, _ short: String) {
        #expect(seconds(age).ago == long)
        #expect(seconds(age).briefly == short)
    }

    @Test(arguments: [
        ("laptop", 6), ("Zoë", 3), ("Zoe\u{308}", 3), ("電話", 4), ("👨‍👩‍👧", 2), ("❤️", 2), ("…", 1), ("", 0), ("한국어", 6),
    ])
    func widths(_ text: String, _ columns: Int) {
        #expect(text.columns == columns)
        for width in 0...8 {
            let cut = text.cut(to: width)
            #expect(cut.columns <= width)
            #expect(width < columns || cut == text)
            #expect(cut.padded(to: 8).columns == 8)
        }
    }

    @Test func wrapping() {
        let lines = StyledLine.wrapped("dropped: 8 source-not-allowed, 4 unknown-session", indent: 2, width: 24)
        #expect(lines.map(\.text) == ["  dropped: 8", "    source-not-allowed,", "    4 unknown-session"])
        #expect(
            StyledLine.wrapped(list: ["port 51820", "MTU 1420", "a file"], indent: 2, width: 14).map(\.text) == [
                "  port 51820,", "    MTU 1420,", "    a file",
            ])
        #expect(StyledLine.wrapped("a b", indent: 2, width: nil).map(\.text) == ["  a b"])
        #expect(StyledLine.wrapped("", indent: 0, width: 10).map(\.text) == [""])
    }

    @Test func colours() {
        var line = StyledLine("wg0", .bold)
        line.add(": ")
        line.add("healthy", .green)
        var plain: [UInt8] = []
        line.append(to: &plain, isColoured: false)
        #expect(String(decoding: plain, as: UTF8.self) == "wg0: healthy")
        var coloured: [UInt8] = []
        line.append(to: &coloured, isColoured: true)
        #expect(String(decoding: coloured, as: UTF8.self) == "\u{1b}[1mwg0\u{1b}[0m: \u{1b}[32mhealthy\u{1b}[0m")
        #expect(line.cut(to: 6).text == "wg0: …")
        #expect(line.cut(to: 12) == line)
    }

    @Test func tablesKeepToTheWidth() {
        let columns = [
            TextTable.Column(title: "NAME", least: 4, most: 20), TextTable.Column(title: "STATE"),
            TextTable.Column(title: "IN", isNumber: true, usual: 8, rank: 2),
            TextTable.Column(title: "WHERE", least: 5, rank: 1),
        ]
        let cells = ["a name that is rather long", "healthy", "12 B", "192.0.2.1:51820"].map { TextTable.Cell($0) }
        func lines(_ width: Int?) -> [String] {
            let table = TextTable(columns, widths: cells.map(\.text.columns), indent: 1, width: width)
            return [table.heading(.dim).text, table.line(cells).text]
        }
        #expect(
            lines(nil) == [
                " NAME                  STATE          IN  WHERE",
                " a name that is rath…  healthy      12 B  192.0.2.1:51820",
            ])
        // What is behind is cut first; where all are as narrow as can be, one goes.
        #expect(lines(50)[1] == " a name that is rath…  healthy      12 B  192.0.2…")
        #expect(lines(40)[1] == " a name that …  healthy      12 B  192.…")
        #expect(lines(24)[1] == " a n…  healthy      12 B")
        #expect(lines(23)[1] == " a name that …  healthy")
        for width in 0...80 {
            #expect(lines(width).allSatisfy { $0.columns <= width }, "\(width)")
        }
    }

    @Test func keys() {
        let bytes = Array("q\u{1b}[A\u{1b}OB\u{1b}[5~\u{1b}[6~\u{1b}[H\u{1b}[4~\u{1b}[1;5C\u{1b}x é".utf8)
        #expect(
            Key.keys(in: bytes) == [
                .character("q"), .up, .down, .pageUp, .pageDown, .home, .end, .character("x"), .character(" "),
            ])
        let random = SeededRandom(seed: 3)
        for _ in 0..<2000 {
            var noise = random.bytes(16)
            noise[0] = 0x1b
            _ = Key.keys(in: noise)
        }
    }
}
