import Control
import Testing
import Wire

@testable import Quick

@Suite struct DNSResolvConfTests {
    private func conf(_ text: String) -> ResolvConf { ResolvConf(Array(text.utf8)) }

    @Test func directives() {
        let file = conf(
            "# a\n;nameserver 1.1.1.1\n nameserver 10.0.0.1 # x\nnameserver\tfd00::1\r\nnameserver bad\nnameserver\n"
                + "search a.b\ndomain c.d\nsearch e.f g.h\noptions ndots:2")
        #expect(file.nameservers.map(\.description) == ["10.0.0.1", "fd00::1"])
        #expect(file.searchDomains == ["e.f", "g.h"])
        #expect(conf("").nameservers.isEmpty)
        #expect(conf("\u{0}\u{FF}\n\n").searchDomains.isEmpty)
    }

    @Test func aTunnelsFile() throws {
        let former = conf("nameserver 192.0.2.1\nsearch home\noptions edns0 trust-ad\nsortlist 10.0.0.0\n")
        let file = former.replaced(
            by: setting("wg0", ["10.0.0.1", "fd00::1"], search: ["corp.example", "~hidden", "b"]), backup: "/b")
        let lines = file.lines.map { String(decoding: $0, as: UTF8.self) }
        #expect(lines.first?.hasPrefix("# nightjar wg0 ") == true)
        #expect(lines.first?.contains("kept as /b") == true)
        #expect(
            lines.dropFirst() == [
                "nameserver 10.0.0.1", "nameserver fd00::1", "search corp.example b", "options edns0 trust-ad",
                "sortlist 10.0.0.0", "# nightjar wg0 end",
            ])
        let block = try #require(file.block)
        #expect(block.interface == "wg0")
        #expect(block.isPristine)
        #expect(former.block == nil)
    }

    @Test(arguments: [
        ("nameserver 10.0.0.1", "nameserver 10.0.0.2"), ("# nightjar wg0 end\n", ""), ("# nightjar wg0 end", "x"),
        ("nameserver 10.0.0.1\n", ""), ("# nightjar wg0 end\n", "# nightjar wg0 end\nnameserver 1.1.1.1\n"),
        ("# nightjar wg0 end\n", "# nightjar wg1 end\n"),
    ])
    func changesShow(_ found: String, _ replacement: String) throws {
        let file = conf("").replaced(by: setting(), backup: "/b")
        let changed = String(decoding: file.text, as: UTF8.self).replacing(found, with: replacement)
        let block = try #require(conf(changed).block)
        #expect(!block.isPristine)
    }

    @Test func emptyLinesBehindAreNoChange() {
        let file = conf("").replaced(by: setting(), backup: "/b")
        #expect(ResolvConf(file.text + Array("\n\n\n".utf8)).block?.isPristine == true)
    }

    @Test func othersAreKeptApart() throws {
        let file = conf("").replaced(by: setting(), backup: "/b")
        let changed = conf("# first\n" + String(decoding: file.text, as: UTF8.self) + "nameserver 9.9.9.9\n")
        let block = try #require(changed.block)
        #expect(block.others.map { String(decoding: $0, as: UTF8.self) } == ["# first", "nameserver 9.9.9.9"])
    }

    @Test func hostileText() {
        for text in ["# nightjar ", "# nightjar  x:", "# nightjar a:", "# nightjar a :", "# nightjar a b: c"] {
            _ = conf(text).block
            _ = conf(text + "\n").block
        }
        #expect(conf("# nightjar a b: c").block?.isPristine == false)
        var state: UInt64 = 1
        for _ in 0..<2000 {
            var bytes: [UInt8] = []
            for _ in 0..<40 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                bytes.append(Array("# nightjar wg0:\n end".utf8)[Int(state >> 33) % 20])
            }
            let file = ResolvConf(Array("# nightjar a b: c\n".utf8) + bytes)
            #expect(file.block?.isPristine == false)
        }
    }
}
