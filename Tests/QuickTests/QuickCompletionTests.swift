import Glibc
import Quick
import Testing

@Suite("Completion of what is brought up")
struct QuickCompletionTests {
    @Test("names of configurations, and files and directories where a path is begun")
    func configurations() throws {
        let directory = "/tmp/nightjar-completion-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
        try #require(mkdir(directory, 0o700) == 0)
        try #require(mkdir("\(directory)/more", 0o700) == 0)
        let files = ["wg0.conf", "office.conf", "key", "more/home.conf"]
        for file in files { close(creat("\(directory)/\(file)", 0o600)) }
        defer { for path in files + ["more", ""] { remove("\(directory)/\(path)") } }

        for task in [QuickTask.up, .strip] {
            let candidates = { (prefix: String) in task.candidates(prefix: prefix, configurationDirectory: directory) }
            #expect(candidates("wg").filter { !$0.contains("/") } == ["office", "wg0"])
            let inside = candidates("\(directory)/").filter { $0.hasPrefix("/") }
            #expect(inside == ["more/", "office.conf", "wg0.conf"].map { "\(directory)/\($0)" })
            #expect(candidates("\(directory)/more/h").contains("\(directory)/more/home.conf"))
        }
        #expect(QuickTask.up.candidates(prefix: "", configurationDirectory: "/nonexistent").allSatisfy { $0 != "wg0" })
    }
}
