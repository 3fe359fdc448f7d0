import Control
import Foundation
import Glibc
import Quick
import Testing
import Wire

@testable import Status

@Suite("Files that are read again")
struct ConfigurationCacheTests {
    @Test func onlyWhenTheyChange() throws {
        let directory = NSTemporaryDirectory() + "nightjar-status-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let surroundings = Surroundings(
            console: Console(program: "nightjar", descriptor: -1), environment: [:], directory: "\(directory)/run",
            configurationDirectory: directory)
        let path = "\(directory)/wgtest.conf"
        func write(_ name: String) throws {
            let text = "[Interface]\n\n[Peer]\n# Name = \(name)\nPublicKey = \(Sample.key(1).base64)\n"
            try Data(text.utf8).write(to: URL(filePath: path), options: .atomic)
        }
        let cache = ConfigurationCache()
        func names(_ interface: String = "wgtest") -> [String?]? {
            cache.end(cache.begin(interface, surroundings))?.text.peers.map(\.name)
        }
        #expect(names() == nil)
        try write("one")
        #expect(names() == ["one"])
        #expect(names() == ["one"])
        try write("two")
        #expect(names() == ["two"])
        // What isn't right isn't kept either.
        try Data("[Peer]\nPublicKey = none\n".utf8).write(to: URL(filePath: path), options: .atomic)
        #expect(names() == nil)
        try write("three")
        #expect(names() == ["three"])
        try FileManager.default.removeItem(atPath: path)
        #expect(names() == nil)
        #expect(names("../etc/passwd") == nil)
    }
}
