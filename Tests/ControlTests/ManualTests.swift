import Control
import Foundation
import Testing

@Suite("The manual page")
struct ManualTests {
    @Test("describes every key of a configuration file", arguments: ConfigurationKey.allCases)
    func keys(key: ConfigurationKey) throws {
        let entries = try Self.page().split(separator: "\n").filter { $0.hasPrefix(".It Li ") }
        let names = entries.flatMap { $0.dropFirst(7).split { $0 == " " || $0 == "," } }
        #expect(names.contains(Substring(key.name)), "Packaging/man/nightjar.8 doesn't mention \(key.name)")
    }

    private static func page() throws -> String {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return try String(contentsOf: root.appendingPathComponent("Packaging/man/nightjar.8"), encoding: .utf8)
    }
}
