import Testing

@testable import Setup

@Suite struct PeerNameTests {
    @Test(arguments: ["laptop", "Zoë's phone", "客厅电视", "📱", "👨‍👩‍👧 tablet", "a", "kitchen/tablet", "x (old)", "50 %"])
    func good(_ name: String) throws {
        #expect(try PeerName.checked(name) == name)
    }

    @Test(arguments: [
        "", "   ", "two\nlines", "tab\u{7}bell", "a#b", "a=b", "[Peer]", "say \"x\"", "back\\slash", "-v",
        "\u{202e}evil", "nul\0", String(repeating: "x", count: 65), "zero\u{200b}width", "\u{e000}",
        "a" + String(repeating: "\u{301}", count: 300), "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=",
        "line\u{2028}separator", "\u{fffff}",
    ]) func bad(_ name: String) {
        #expect(complaint { _ = try PeerName.checked(name) }.isEmpty == false)
    }

    @Test func whiteSpace() throws {
        #expect(try PeerName.checked("  my   phone ") == "my phone")
    }

    @Test func alike() {
        #expect(PeerName.areAlike("Laptop", "laptop"))
        #expect(PeerName.areAlike("e\u{301}", "\u{e9}"))
        #expect(!PeerName.areAlike("laptop", "laptop 2"))
    }
}
