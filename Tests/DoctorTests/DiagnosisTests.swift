import Foundation
import Testing

@testable import Doctor

struct DiagnosisTests {
    private func finding(
        _ code: FindingCode, _ severity: Finding.Severity = .failure, _ interface: String? = "wg0",
        _ peer: String? = nil
    ) -> Finding {
        Finding(
            code, severity, interface: interface, peer: peer, summary: "It is \(code.rawValue).", evidence: ["seen"],
            remedy: "Mend it.")
    }

    private func diagnosis(_ findings: [Finding], blindSpots: [String] = []) -> Diagnosis {
        Diagnosis(interfaces: ["wg0"], findings: findings, blindSpots: blindSpots)
    }

    @Test func codesAreStableWords() {
        let codes = FindingCode.allCases.map(\.rawValue)
        #expect(Set(codes).count == codes.count)
        for code in codes {
            #expect(code.allSatisfy { $0.isLowercase || $0 == "-" || $0.isNumber }, "\(code)")
        }
    }

    @Test func nothingExplainsItself() {
        // What explains A must not be explained by A, over any number of steps: else both would vanish.
        for code in FindingCode.allCases {
            var reached: Set<FindingCode> = []
            var open = Array(code.consequences)
            while let next = open.popLast() {
                if reached.insert(next).inserted { open += next.consequences }
            }
            #expect(!reached.contains(code), "\(code)")
        }
    }

    @Test func everyCodeIsExplained() {
        var titles: Set<String> = []
        for code in FindingCode.allCases {
            let explanation = code.explanation
            #expect(titles.insert(explanation.title).inserted, "\(code)")
            let text = explanation.text(code, width: 80)
            #expect(text.hasPrefix("\(code.rawValue): "))
            for line in text.split(separator: "\n").dropFirst() { #expect(line.count <= 80, "\(line)") }
        }
        #expect(Explanation.index.split(separator: "\n").allSatisfy { $0.count <= 80 })
    }

    @Test func failuresComeFirstThenCauses() {
        let diagnosis = diagnosis([
            finding(.dnsOutsideTunnel, .warning), finding(.noMasquerade), finding(.fileReadableByOthers, .warning),
            finding(.peerKeyIsOwn, .failure, "wg0", "a"),
        ])
        #expect(
            diagnosis.findings.map(\.code) == [.peerKeyIsOwn, .noMasquerade, .fileReadableByOthers, .dnsOutsideTunnel])
    }

    @Test func aCauseHidesItsConsequencesWithinItsReach() {
        let both = diagnosis([
            finding(.noAnswer, .failure, "wg0", "a"), finding(.noAnswer, .failure, "wg0", "b"),
            finding(.peerKeyIsOwn, .failure, "wg0", "a"),
        ])
        #expect(both.entries.map(\.finding.code) == [.peerKeyIsOwn, .noAnswer])
        #expect(both.entries[0].explains == [.noAnswer])
        #expect(both.entries[1].finding.peer == "b")

        let other = diagnosis([finding(.noAnswer, .failure, "wg1", "a"), finding(.interfaceDown)])
        #expect(other.entries.count == 2)

        let machine = diagnosis([finding(.interfaceNotUp), finding(.noTunDevice, .failure, nil)])
        #expect(machine.findings.map(\.code) == [.noTunDevice])
    }

    @Test func aHiddenCauseStillHides() {
        // No TUN device, so the interface isn't up; the port isn't the trouble either.
        let diagnosis = diagnosis([
            finding(.noTunDevice, .failure, nil), finding(.portInUse), finding(.interfaceNotUp),
        ])
        #expect(diagnosis.findings.map(\.code) == [.noTunDevice])
        #expect(diagnosis.entries[0].explains == [.portInUse, .interfaceNotUp])
    }

    @Test func equalFindingsAreOne() {
        #expect(
            diagnosis([finding(.noTunDevice, .failure, nil), finding(.noTunDevice, .failure, nil)]).entries.count == 1)
    }

    @Test func verdicts() {
        #expect(diagnosis([]).verdict.status == 0)
        #expect(diagnosis([finding(.noAnswer, .warning)], blindSpots: ["x"]).verdict.status == 1)
        #expect(diagnosis([], blindSpots: ["the firewall's rules can't be read"]).verdict.status == 2)
    }

    @Test func manyFindingsTakeNoTime() {
        let all = (0..<10_000).map { finding(.noAnswer, .failure, "wg0", "peer\($0)") }
        let clock = ContinuousClock()
        let time = clock.measure { #expect(diagnosis(all + [finding(.interfaceDown)]).entries.count == 1) }
        #expect(time < .seconds(30))
    }

    @Test func forPrograms() throws {
        let object = try JSONSerialization.jsonObject(
            with: Data(diagnosis([finding(.noAnswer, .failure, "wg0", "a\"b\u{1b}")]).json.utf8))
        let document = try #require(object as? [String: Any])
        #expect(document["version"] as? Int == 1)
        #expect(document["verdict"] as? String == "findings")
        let item = try #require((document["findings"] as? [[String: Any]])?.first)
        #expect(item["code"] as? String == "no-answer")
        #expect(item["peer"] as? String == "a\"b\u{1b}")
        #expect(item["explains"] as? [String] == [])
        #expect(
            Set(item.keys) == ["code", "severity", "interface", "peer", "summary", "evidence", "remedy", "explains"])
    }

    @Test(arguments: [40, 80, 120]) func forPeople(_ width: Int) {
        var long = finding(.noAnswer)
        long.summary = String(repeating: "word ", count: 60)
        long.evidence = [String(repeating: "counter ", count: 30)]
        let text = diagnosis([long], blindSpots: ["something"]).text(width: width, isColoured: false)
        for line in text.split(separator: "\n") { #expect(line.count <= width, "\(line)") }
        #expect(text.contains("FAILURE no-answer (wg0)"))
        #expect(!text.contains("\u{1b}"))
        #expect(diagnosis([]).text(width: width, isColoured: true).contains("healthy"))
    }

    @Test func manyOfAKindAreToldOnce() {
        let all = (1...20).map { finding(.noAnswer, .failure, "wg0", "peer\($0)") }
        let text = diagnosis(all + [finding(.dnsOverwritten)]).text(width: 80, isColoured: false)
        #expect(text.components(separatedBy: "FAILURE no-answer").count == 4)
        #expect(text.contains("no-answer as well: 17 more, peer4, peer5"))
        #expect(text.contains("FAILURE dns-overwritten"))
        #expect(text.hasSuffix("wg0: 21 findings. More about one: nightjar explain no-answer\n"))
    }
}
