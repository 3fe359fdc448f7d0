import Control
import Foundation
import Glibc
import LinuxNet
import Testing
import Wire

@testable import Quick

@Suite struct DNSEditTests {
    private let folder = DNSFolder()
    private let original = "# mine\nnameserver 192.0.2.1\nsearch home\noptions ndots:2\n"

    private func edit(_ interface: String = "wg0") throws -> ResolvConfEdit {
        try ResolvConfEdit(path: folder["resolv.conf"], interface: interface, spareDirectory: folder["spare"])
    }

    private var servers: [String] {
        ResolvConf(Array((folder.text("resolv.conf") ?? "").utf8)).nameservers.map(\.description)
    }

    private func expectOriginal(_ names: [String] = ["resolv.conf"]) {
        #expect(folder.text("resolv.conf") == original)
        #expect(folder.names == names)
    }

    @Test func contentModeAndOwnerComeBack() throws {
        try folder.write("resolv.conf", original, mode: 0o640)
        if geteuid() == 0 { chown(folder["resolv.conf"], 12, 34) }
        var before = stat()
        lstat(folder["resolv.conf"], &before)
        let edit = try edit()
        try edit.apply(setting(search: ["corp"]))
        #expect(servers == ["10.0.0.1"])
        #expect(folder.text("resolv.conf")?.contains("\nsearch corp\noptions ndots:2\n") == true)
        #expect(folder.names == ["resolv.conf", "resolv.conf.nightjar-wg0"])
        #expect(folder.text("resolv.conf.nightjar-wg0") == original)
        var during = stat()
        lstat(folder["resolv.conf"], &during)
        #expect(during.st_mode == before.st_mode && during.st_uid == before.st_uid)

        #expect(try edit.restore("wg0") == .restored)
        expectOriginal()
        var after = stat()
        lstat(folder["resolv.conf"], &after)
        #expect(after.st_ino == before.st_ino && after.st_mode == before.st_mode && after.st_gid == before.st_gid)
        #expect(try edit.restore("wg0") == .nothing)
        expectOriginal()
    }

    @Test func aLinkComesBackAsALink() throws {
        try folder.write("managed", original)
        symlink("managed", folder["resolv.conf"])
        let edit = try edit()
        try edit.apply(setting())
        #expect(try FileAccess.state(edit.path) == .regular)
        #expect(folder.text("managed") == original)
        #expect(servers == ["10.0.0.1"])
        #expect(try edit.restore("wg0") == .restored)
        #expect(try FileAccess.state(edit.path) == .link(target: "managed"))
        expectOriginal(["managed", "resolv.conf"])
    }

    @Test func aDanglingLinkComesBack() throws {
        symlink("/nowhere/at/all", folder["resolv.conf"])
        let edit = try edit()
        try edit.apply(setting())
        #expect(servers == ["10.0.0.1"])
        #expect(try edit.restore("wg0") == .restored)
        #expect(try FileAccess.state(edit.path) == .link(target: "/nowhere/at/all"))
        #expect(folder.names == ["resolv.conf"])
    }

    @Test func aMissingFileIsMissingAgain() throws {
        let edit = try edit()
        try edit.apply(setting())
        #expect(servers == ["10.0.0.1"])
        #expect(try edit.restore("wg0") == .restored)
        #expect(folder.names == [])
    }

    @Test(arguments: [["a", "b", "c"], ["c", "b", "a"], ["b", "a", "c"], ["a", "c", "b"], ["b", "c", "a"]])
    func severalTunnelsInAnyOrder(_ order: [String]) throws {
        for kind in ["file", "link", "none"] {
            let folder = DNSFolder()
            try folder.write("managed", original)
            if kind == "file" { try folder.write("resolv.conf", original) }
            if kind == "link" { symlink("managed", folder["resolv.conf"]) }
            var edits: [String: ResolvConfEdit] = [:]
            for (number, name) in ["a", "b", "c"].enumerated() {
                let edit = try ResolvConfEdit(
                    path: folder["resolv.conf"], interface: name, spareDirectory: folder["spare"])
                try edit.apply(setting(name, ["10.0.0.\(number)"]))
                edits[name] = edit
            }
            var rest = ["a", "b", "c"]
            for name in order {
                let outcome = try #require(edits[name]).restore(name)
                #expect(outcome == (rest.last == name ? .restored : .leftToAnotherTunnel))
                rest.removeAll { $0 == name }
                let block = try FileAccess.read(folder["resolv.conf"]).block
                #expect(block?.interface == rest.last)
                #expect(block?.isPristine ?? true)
            }
            #expect(folder.text("resolv.conf") == (kind == "none" ? nil : original))
            #expect(
                try FileAccess.state(folder["resolv.conf"])
                    == (kind == "file" ? .regular : kind == "link" ? .link(target: "managed") : .none))
            #expect(folder.names.filter { $0.contains("nightjar") } == [])
        }
    }

    @Test func aTunnelTwiceIsOneEdit() throws {
        try folder.write("resolv.conf", original)
        let edit = try edit()
        try edit.apply(setting())
        try edit.apply(setting("wg0", ["10.0.0.2"]))
        #expect(servers == ["10.0.0.2"])
        #expect(try edit.restore("wg0") == .restored)
        expectOriginal()
    }
}

// MARK: - What others do meanwhile

extension DNSEditTests {
    @Test func anAddedLineIsKept() throws {
        try folder.write("resolv.conf", original)
        let edit = try edit()
        try edit.apply(setting())
        let text = try #require(folder.text("resolv.conf"))
        try folder.write("resolv.conf", text + "nameserver 9.9.9.9\n")
        guard case .changedMeanwhile = try edit.restore("wg0") else {
            Issue.record("no sentence")
            return
        }
        expectOriginal(["resolv.conf"], plus: "nameserver 9.9.9.9\n")
    }

    private func expectOriginal(_ names: [String], plus added: String) {
        #expect(folder.text("resolv.conf") == original + added)
        #expect(folder.names == names)
    }

    @Test func aReplacedFileStays() throws {
        try folder.write("resolv.conf", original)
        let edit = try edit()
        try edit.apply(setting())
        try folder.write("resolv.conf", "nameserver 9.9.9.9\n")
        guard case .changedMeanwhile(let sentence) = try edit.restore("wg0") else {
            Issue.record("no sentence")
            return
        }
        #expect(sentence.contains("replaced by another program"))
        #expect(folder.text("resolv.conf") == "nameserver 9.9.9.9\n")
        #expect(folder.names == ["resolv.conf"])
    }

    @Test func aRemovedFileComesBack() throws {
        try folder.write("resolv.conf", original)
        let edit = try edit()
        try edit.apply(setting())
        unlink(folder["resolv.conf"])
        #expect(try edit.restore("wg0") == .restored)
        expectOriginal()
    }

    @Test func aChangedFileInPlaceOfALink() throws {
        try folder.write("managed", original)
        for (added, stays) in [("nameserver 9.9.9.9\n", true), ("# hello\n", false)] {
            unlink(folder["resolv.conf"])
            symlink("managed", folder["resolv.conf"])
            let edit = try edit()
            try edit.apply(setting())
            let text = try #require(folder.text("resolv.conf"))
            try folder.write("resolv.conf", text + added)
            guard case .changedMeanwhile(let sentence) = try edit.restore("wg0") else {
                Issue.record("no sentence")
                return
            }
            #expect(folder.text("managed") == original)
            #expect(folder.text("resolv.conf") == (stays ? added : original))
            #expect(sentence.contains("link to managed") == stays)
            #expect(folder.names == ["managed", "resolv.conf"])
        }
    }

    @Test func theLowerTunnelsFileWasReplaced() throws {
        try folder.write("resolv.conf", original)
        let (first, second) = (try edit("a"), try edit("b"))
        try first.apply(setting("a"))
        try folder.write("resolv.conf", "nameserver 9.9.9.9\n")
        try second.apply(setting("b"))
        guard case .changedMeanwhile = try first.restore("a") else {
            Issue.record("no sentence")
            return
        }
        #expect(try second.restore("b") == .restored)
        #expect(folder.text("resolv.conf") == "nameserver 9.9.9.9\n")
        #expect(folder.names == ["resolv.conf"])
    }

    @Test(.enabled(if: geteuid() == 0, "needs root")) func aProtectedFileIsNotTouched() throws {
        try folder.write("resolv.conf", original)
        guard (try? DNSFolder.run("chattr +i '\(folder["resolv.conf"])'")) != nil else { return }
        let error = #expect(throws: SystemError.self) { try edit().apply(setting()) }
        #expect(error?.description.contains("chattr +i") == true)
        expectOriginal()
    }
}

// MARK: - Crashes

extension DNSEditTests {
    @Test func aCrashBeforeTheFileWasReplaced() throws {
        for isCopy in [false, true] {
            try folder.write("resolv.conf", original)
            let edit = try edit()
            if isCopy { try folder.write("resolv.conf.nightjar-wg0", original) } else { link(edit.path, edit.backup) }
            try folder.write("resolv.conf.nightjar~", "nameserver 10.")
            try folder.write("resolv.conf.nightjar-wg0.nightjar~", "names")
            #expect(try edit.restore("wg0") == .nothing)
            expectOriginal()
        }
    }

    @Test func aCrashOfTheMachineIsRecoveredFrom() throws {
        try folder.write("resolv.conf", original)
        try edit("a").apply(setting("a"))
        try edit("b").apply(setting("b"))
        let dns = DNS(folder.system)
        #expect(dns.recover { _ in true } == [])
        #expect(dns.recover { $0 == "b" }.count == 1)
        #expect(try FileAccess.read(folder["resolv.conf"]).block?.interface == "b")
        #expect(dns.recover { _ in false }.count == 1)
        expectOriginal()
        #expect(dns.recover { _ in false } == [])
    }

    @Test func upAfterACrashStartsFromTheOriginal() throws {
        try folder.write("resolv.conf", original)
        try edit().apply(setting("wg0", ["10.0.0.9"]))
        let again = try edit()
        try again.apply(setting())
        #expect(servers == ["10.0.0.1"])
        #expect(try again.restore("wg0") == .restored)
        expectOriginal()
    }

    @Test func whatIsNotAConfigurationIsRefused() throws {
        try folder.write("resolv.conf", String(repeating: "#\n", count: 40_000))
        #expect(throws: SystemError.self) { try edit().apply(setting()) }
        #expect(folder.names == ["resolv.conf"])
        unlink(folder["resolv.conf"])
        mkdir(folder["resolv.conf"], 0o755)
        #expect(throws: SystemError.self) { try edit().apply(setting()) }
        #expect(folder.names == ["resolv.conf"])
    }
}

// MARK: - Mounted files

@Suite(.enabled(if: geteuid() == 0, "needs root to mount a file")) struct DNSMountedFileTests {
    private let folder = DNSFolder()

    @Test(arguments: [
        "nameserver 192.0.2.1\n", "", "nameserver 192.0.2.1\n" + String(repeating: "# long\n", count: 200),
    ])
    func isWrittenInPlace(_ original: String) throws {
        try folder.write("source", original)
        try folder.write("resolv.conf", "hidden")
        try folder.mount("source", over: "resolv.conf")
        #expect(MountPoints.contains(folder["resolv.conf"]))
        #expect(!MountPoints.contains(folder["source"]))
        let edit = try ResolvConfEdit(path: folder["resolv.conf"], interface: "wg0", spareDirectory: folder["spare"])
        #expect(edit.isMountPoint)
        try edit.apply(setting())
        #expect(try FileAccess.read(folder["source"]).nameservers == [address("10.0.0.1")])
        #expect(try FileAccess.read(folder["source"]).text.last == UInt8(ascii: "\n"))

        // A second tunnel, and the first one goes first.
        let second = try ResolvConfEdit(path: folder["resolv.conf"], interface: "wg1", spareDirectory: folder["spare"])
        try second.apply(setting("wg1", ["10.0.0.2"]))
        #expect(try edit.restore("wg0") == .leftToAnotherTunnel)
        #expect(try second.restore("wg1") == .restored)
        #expect(folder.text("source") == original)
        #expect(folder.names == ["resolv.conf", "source"])
    }

    @Test func aCrashWhileWriting() throws {
        let original = "nameserver 192.0.2.1\n"
        try folder.write("source", original)
        try folder.write("resolv.conf", "hidden")
        try folder.mount("source", over: "resolv.conf")
        let edit = try ResolvConfEdit(path: folder["resolv.conf"], interface: "wg0", spareDirectory: folder["spare"])
        try edit.apply(setting())
        // Written, but not cut off.
        try folder.write("source", (folder.text("source") ?? "") + "\n\n\n")
        #expect(try edit.restore("wg0") == .restored)
        #expect(folder.text("source") == original)

        try edit.apply(setting())
        try folder.write("source", original + "\n\n\n\n\n")
        #expect(try edit.restore("wg0") == .restored)
        #expect(folder.text("source") == original)
        #expect(folder.names == ["resolv.conf", "source"])
    }

    @Test func mountPointsAreUnescaped() {
        let line = #"36 35 98:0 /mnt1 /a\040b\134c rw,noatime master:1 - ext3 /dev/root rw"#
        #expect(MountPoints.mountPoint(in: Array(line.utf8)) == Array(#"/a b\c"#.utf8))
        #expect(MountPoints.mountPoint(in: Array("1 2 3 4".utf8)) == [])
        #expect(MountPoints.mountPoint(in: Array(#"1 2 3 4 \9 5"#.utf8)) == Array(#"\9"#.utf8))
        #expect(MountPoints.mountPoint(in: Array(#"1 2 3 4 \777"#.utf8)) == Array(#"\777"#.utf8))
    }
}
