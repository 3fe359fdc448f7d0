import Foundation
import Glibc
import Testing

@testable import Quick

@Suite struct JournalTests {
    private func withStore(_ body: (JournalStore) throws -> Void) throws {
        let base = "/tmp/nightjar-journal-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        defer { try? FileManager.default.removeItem(atPath: base) }
        try body(JournalStore(directory: "\(base)/quick"))
    }

    private func sample(_ interface: String) -> Journal {
        var journal = Journal(interface: interface, file: "/etc/wireguard/\(interface).conf")
        journal.mark = 51820
        journal.endpoints = ["vpn.example:51820": "192.0.2.1"]
        journal.entries = [
            .killSwitch(.nft), .interface(.nightjar(ProcessIdentity(getpid()))), .interface(.kernel),
            .interface(.program("/usr/bin/wireguard-go")),
            .rule(TunnelRule(isIPv6: true, priority: 32764, purpose: .mainFirst)),
            .rule(TunnelRule(isIPv6: false, priority: 32765, purpose: .intoTunnel(table: 51820))),
            .sourceMark(former: "0"), .firewall(.iptables),
        ]
        journal.applied = Journal.Applied(addresses: ["10.0.0.1/24"], routes: ["10.0.0.0/8"], defaults: [false])
        return journal
    }

    @Test func comesBackAsItWasStored() throws {
        try withStore { store in
            try store.make()
            #expect(try store.load("wg0") == nil)
            let journal = sample("wg0")
            try store.save(journal)
            #expect(try store.load("wg0") == journal)
            var status = stat()
            #expect(stat("\(store.directory)/wg0.json", &status) == 0 && status.st_mode & 0o777 == 0o600)
            #expect(stat(store.directory, &status) == 0 && status.st_mode & 0o777 == 0o700)
            try store.remove("wg0")
            try store.remove("wg0")
            #expect(try store.load("wg0") == nil)
        }
    }

    @Test func othersAreThoseOfThisNamespace() throws {
        try withStore { store in
            try store.make()
            for name in ["wg0", "wg1"] { try store.save(sample(name)) }
            #expect(store.others(than: "wg0").map(\.interface) == ["wg1"])
            try Data("{}".utf8).write(to: URL(filePath: "\(store.directory)/wg2.json"))
            #expect(store.others(than: "wg0").map(\.interface) == ["wg1"])
        }
    }

    @Test(arguments: ["", "{", "{\"version\": 2}", "[]", "\u{0}\u{0}"])
    func damagedOnesAreRefused(_ text: String) throws {
        try withStore { store in
            try store.make()
            try Data(text.utf8).write(to: URL(filePath: "\(store.directory)/wg0.json"))
            #expect(throws: QuickError.self) { try store.load("wg0") }
        }
    }

    @Test func oneLockForEachInterface() throws {
        try withStore { store in
            do {
                let lock = try InterfaceLock("wg0", in: store)
                let other = try InterfaceLock("wg1", in: store)
                #expect(throws: QuickError.self) { try InterfaceLock("wg0", in: store) }
                withExtendedLifetime((lock, other)) {}
            }
            #expect(access(store.directory, F_OK) != 0, "the last one leaves nothing")
            _ = try InterfaceLock("wg0", in: store)
        }
    }

    @Test func processesAreToldApart() throws {
        let own = try #require(ProcessIdentity(getpid()))
        #expect(own.isRunning)
        #expect(ProcessIdentity(0) == nil)
    }
}
