import Control
import Foundation
import Glibc
import Testing

@testable import Quick

@Suite struct DNSWayTests {
    private let folder = DNSFolder()
    private let original = "nameserver 192.0.2.1\n"

    /// A `resolvconf` that writes down how it is called and what it reads.
    private func installResolvconf(exit status: Int = 0) throws {
        try folder.program(
            "resolvconf",
            """
            echo "$@" >> \(folder["calls"]); /bin/cat >> \(folder["calls"])
            [ "$1" = -l ] && printf 'nameserver 10.0.0.7\\nsearch x.y\\n'
            [ "$1" = -a ] && { echo sorry >&2; exit \(status); }
            exit 0
            """)
    }

    @Test func withoutAnything() throws {
        try folder.write("resolv.conf", original)
        let dns = DNS(folder.system)
        let plan = try dns.plan(setting(search: ["corp.example"]))
        #expect(folder.names == ["resolv.conf"])
        let applied = try dns.apply(plan)
        #expect(
            applied.sentence == """
                DNS: 10.0.0.1, search corp.example, by way of \(folder["resolv.conf"]) \
                (\(folder["resolv.conf"]) doesn't point to systemd-resolved; resolvconf isn't installed)
                """)
        #expect(try dns.current(applied.record).servers == [address("10.0.0.1")])
        #expect(try dns.current(applied.record).searchDomains == ["corp.example"])
        #expect(try dns.restore(applied.record) == [])
        #expect(try dns.restore(applied.record) == [])
        #expect(folder.text("resolv.conf") == original)
    }

    @Test func resolvconfAsWgQuickCallsIt() throws {
        try folder.write("resolv.conf", original)
        try installResolvconf()
        let dns = DNS(folder.system)
        let applied = try dns.apply(
            try dns.plan(setting("wg0", ["10.0.0.1", "fd00::1"], search: ["a.b", "c.d"])))
        #expect(applied.sentence.hasPrefix("DNS: 10.0.0.1, fd00::1, search a.b c.d, by way of resolvconf"))
        #expect(
            folder.text("calls")
                == "-a wg0 -m 0 -x\nnameserver 10.0.0.1\nnameserver fd00::1\nsearch a.b c.d\n")
        let state = try dns.current(applied.record)
        #expect(state == DNSState(servers: [address("10.0.0.7")], searchDomains: ["x.y"]))
        unlink(folder["calls"])
        #expect(try dns.restore(applied.record) == [])
        #expect(folder.text("calls") == "-d wg0 -f\n")
        #expect(folder.text("resolv.conf") == original)
    }

    @Test(arguments: [
        ("lo.inet6\ntun*\neth*\n", "tun."), ("# x*\nlo\nppp*\n", "ppp."), ("a.b*\n*\n", ""), ("", ""),
        ("tun* \nx-1*", "x-1."),
    ])
    func prefixOfDebiansResolvconf(_ order: String, _ prefix: String) throws {
        try folder.write("resolv.conf", original)
        try folder.write("interface-order", order)
        try installResolvconf()
        #expect(Resolvconf(folder.system, interface: "wg0")?.entry == "\(prefix)wg0")
        // Under a link it is another program, which knows no such order.
        rename(folder["bin/resolvconf"], folder["bin/other"])
        symlink("other", folder["bin/resolvconf"])
        #expect(Resolvconf(folder.system, interface: "wg0")?.entry == "wg0")
    }

    @Test func aFailingResolvconfIsFollowedByTheFile() throws {
        try folder.write("resolv.conf", original)
        try installResolvconf(exit: 3)
        let dns = DNS(folder.system)
        let plan = try dns.plan(setting())
        #expect(plan.record.ways.count == 2)
        let applied = try dns.apply(plan)
        #expect(applied.sentence.contains("by way of \(folder["resolv.conf"])"))
        #expect(applied.sentence.contains("'resolvconf -a wg0 -m 0 -x' ended with 3: sorry"))
        #expect(folder.text("calls")?.hasSuffix("-d wg0 -f\n") == true)
        // After a crash only the plan's record is there.
        #expect(try dns.restore(plan.record) == [])
        #expect(folder.text("resolv.conf") == original)
        #expect(folder.names == ["bin", "calls", "resolv.conf"])
    }

    @Test func resolvectlUnderThatNameIsNoWay() throws {
        try folder.write("resolv.conf", original)
        try folder.program("resolvectl", "exit 1")
        symlink("resolvectl", folder["bin/resolvconf"])
        #expect(try DNS(folder.system).plan(setting()).record.ways.count == 1)
    }

    @Test func aRecordSurvivesItsStorage() throws {
        try folder.write("resolv.conf", original)
        try installResolvconf()
        let dns = DNS(folder.system)
        let record = try dns.plan(setting("wg0", ["10.0.0.1", "fd00::1"], search: ["x"], index: 7)).record
        let stored = try JSONEncoder().encode(record)
        #expect(try JSONDecoder().decode(DNSRecord.self, from: stored) == record)
        let bad = String(decoding: stored, as: UTF8.self).replacing("10.0.0.1", with: "10.0.0")
        #expect(throws: (any Error).self) { try JSONDecoder().decode(DNSRecord.self, from: Data(bad.utf8)) }
    }

    @Test func aBusWithoutAnAnswerIsAReason() throws {
        symlink("/run/systemd/resolve/stub-resolv.conf", folder["resolv.conf"])
        let plan = try DNS(folder.system).plan(setting())
        #expect(plan.record.ways.count == 1)
        let applied = try DNS(folder.system).apply(plan)
        #expect(applied.sentence.contains("systemd-resolved: the system bus can't be reached"))
        #expect(try DNS(folder.system).restore(applied.record) == [])
        #expect(try FileAccess.state(folder["resolv.conf"]) == .link(target: "/run/systemd/resolve/stub-resolv.conf"))
    }

    @Test func nothingIsDoneWhenNothingWorks() throws {
        mkdir(folder["resolv.conf"], 0o755)
        let dns = DNS(folder.system)
        let error = #expect(throws: DNSError.self) { try dns.apply(try dns.plan(setting())) }
        #expect(error?.description.contains("without the DNS line") == true)
        #expect(folder.names == ["resolv.conf"])
    }

    @Test(arguments: ["", "a/b", "../x", "a b"])
    func strangeNames(_ name: String) {
        #expect(throws: DNSError.self) { try DNS(folder.system).plan(setting(name)) }
    }
}
