import Foundation
import Testing

@testable import Doctor

struct DocumentationTests {
    @Test func allCodesAreInTheTable() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let text = try String(contentsOf: root.appending(path: "docs/doctor.md"), encoding: .utf8)
        let rows = text.split(separator: "\n").drop { !$0.hasPrefix("## The codes") }.filter { $0.hasPrefix("| `") }
        #expect(rows.map(String.init) == FindingCode.allCases.map { "| `\($0.rawValue)` | \($0.explanation.title) |" })
    }
}
