import Foundation
import Glibc
import NoisePrimitives
import TestKit
import Testing
import Wire

@testable import Control

private func key(_ number: UInt8) -> PublicKey {
    PublicKey(Bytes32(repeatElement(number, count: 32))!)
}

@Suite("Totals that outlive the daemon")
struct TotalsTests {
    private static var sample: Totals {
        var totals = Totals()
        totals.drops = ["wrong-mac1": 3, "replayed": 1 << 40]
        for number in 1..<20 as Range<UInt8> {
            var record = PeerRecord()
            record.received = UInt64(number) << 33
            record.transmitted = UInt64(number)
            if number % 2 == 0 { record.quotaStart = UInt64(number) }
            if number % 3 == 0 { record.quotaSince = 1_700_000_000 }
            if number % 5 == 0 { record.absentSince = 1_700_000_001 }
            totals.peers[key(number)] = record
        }
        return totals
    }

    @Test("What was written is read")
    func roundTrip() {
        #expect(Totals(Self.sample.text) == Self.sample)
        #expect(Totals(Totals().text) == Totals())
        #expect(
            String(decoding: Totals().text, as: UTF8.self) == "nightjar totals 1\nend 0\n")
    }

    @Test("Every shortened file is known as such, and no byte that was changed traps")
    func hostile() {
        let text = Self.sample.text
        for length in 0..<text.count { #expect(Totals(Array(text[..<length])) == nil) }
        let random = SeededRandom(seed: 9)
        for _ in 0..<20_000 {
            var bytes = text
            for _ in 0...random.below(3) { bytes[Int(random.below(UInt64(bytes.count)))] = UInt8(random.below(256)) }
            _ = Totals(bytes)
        }
        let line = "peer \(key(1).base64)"
        for content in [
            "\(line) received=18446744073709551615", "\(line) received=-1", "\(line) received=", "\(line) received",
            "\(line)  ",
            "\(line)\n\(line)", "peer", "peer x received=1", "drop a", "drop a b", "other 1", "",
            "\(line) quota-start=1",
        ] {
            let count = content.split(separator: "\n", omittingEmptySubsequences: false).count
            #expect(Totals(Array("nightjar totals 1\n\(content)\nend \(count)\n".utf8)) == nil, "\(content)")
        }
        // Of a newer program.
        let newer = Totals(Array("nightjar totals 1\n\(line) received=5 other=7\nend 1\n".utf8))
        #expect(newer?.peers[key(1)]?.received == 5)
    }

    @Test("Ten thousand peers are written and read in a moment")
    func many() {
        var totals = Totals()
        let random = SeededRandom(seed: 4)
        for _ in 0..<10_000 {
            var record = PeerRecord()
            record.received = random.uint64() >> 8
            record.transmitted = random.uint64() >> 8
            totals.peers[PublicKey(Bytes32((0..<32).map { _ in UInt8(random.below(256)) })!)] = record
        }
        let start = ContinuousClock.now
        let text = totals.text
        #expect(Totals(text) == totals)
        #expect(ContinuousClock.now - start < .seconds(20))
    }

    private func withDirectory(_ body: (String) throws -> Void) throws {
        var template = Array("/tmp/nightjar-totals-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        let directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try body(directory)
    }

    @Test("A file is there for the next daemon, whose alone it is")
    func file() throws {
        try withDirectory { directory in
            var file: TotalsFile? = try TotalsFile(directory: "\(directory)/new", interface: "wg0")
            #expect(file?.totals == Totals())
            try file?.save(Self.sample)
            try file?.save(Self.sample, isLast: true)
            var status = stat()
            #expect(stat("\(directory)/new/wg0.totals", &status) == 0 && status.st_mode & 0o7777 == 0o600)
            #expect(try FileManager.default.contentsOfDirectory(atPath: "\(directory)/new") == ["wg0.totals"])
            do {
                _ = try TotalsFile(directory: "\(directory)/new", interface: "wg0")
                Issue.record("two daemons have it")
            } catch {
                #expect("\(error)".contains("give one of them another --state-dir"), "\(error)")
            }
            file = nil
            #expect(try TotalsFile(directory: "\(directory)/new", interface: "wg0").totals == Self.sample)
        }
    }

    @Test("What isn't such a file counts for nothing, and is told about")
    func garbage() throws {
        try withDirectory { directory in
            try Data("nightjar totals 1\npeer".utf8).write(to: URL(filePath: "\(directory)/wg0.totals"))
            var file: TotalsFile? = try TotalsFile(directory: directory, interface: "wg0")
            #expect(file?.totals == Totals())
            #expect(file?.complaint?.contains("counting begins anew") == true)
            try file?.save(Self.sample)
            file = nil
            #expect(try TotalsFile(directory: directory, interface: "wg0").complaint == nil)
            symlink("/etc/passwd", "\(directory)/wg1.totals")
            #expect(throws: (any Error).self) { try TotalsFile(directory: directory, interface: "wg1") }
            #expect(throws: (any Error).self) { try TotalsFile(directory: "/proc/nightjar", interface: "wg1") }
        }
    }
}
