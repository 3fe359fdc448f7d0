import TestKit
import Testing
import Wire

@testable import Inspection

@Suite("Reports")
struct ReportTests {
    @Test(
        "The rule against fully encrypted traffic, exemption by exemption",
        arguments: [
            ([UInt8](repeating: 0x0f, count: 100), nil), ([UInt8](repeating: 0x01, count: 100), "Ex1"),
            ([UInt8](repeating: 0xfe, count: 100), "Ex1"),
            (Array("abcdeg".utf8) + [UInt8](repeating: 0x8d, count: 100), "Ex2"),
            ([0x8d] + Array(repeating: 0x57, count: 60) + [UInt8](repeating: 0x8d, count: 50), "Ex3"),
            ([UInt8](repeating: 0x8d, count: 60) + Array(repeating: 0x57, count: 21), "Ex4"),
            ([UInt8](repeating: 0x8d, count: 60) + Array(repeating: 0x57, count: 20), nil),
            ([0x16, 3, 1] + [UInt8](repeating: 0x8d, count: 60), "Ex5"),
            ([0x17, 3, 9] + [UInt8](repeating: 0x8d, count: 60), "Ex5"),
            ([0x16, 3, 10] + [UInt8](repeating: 0x8d, count: 60), nil),
            (Array("GET ".utf8) + [UInt8](repeating: 0x8d, count: 60), "Ex5"),
            (Array("GETX".utf8) + [UInt8](repeating: 0x8d, count: 60), nil),
        ] as [([UInt8], String?)])
    func fullyEncrypted(_ bytes: [UInt8], _ exemption: String?) {
        let found = FullyEncryptedRule.exemption(of: Octets(bytes))
        #expect((found == nil) == (exemption == nil))
        #expect(found?.contains(exemption ?? "") != false)
    }

    @Test("Over TCP the rule's verdict counts, on the client's first data alone")
    func tcp() {
        let random = SeededRandom(seed: 30)
        let report = Report.of(
            TCPScene(clientISN: 1234, serverISN: 99, options: [2, 4, 5, 0xb4], first: random.bytes(400)).capture)
        #expect(report.rules(.recognised) == [.fullyEncrypted])
        let web = Report.of(
            TCPScene(clientISN: 1234, serverISN: 99, options: [2, 4, 5, 0xb4], first: Array("GET / HTTP/1.1\r\n".utf8))
                .capture)
        #expect(web.rules(.recognised).isEmpty)
    }

    @Test("Phantun is told by its sequence numbers")
    func phantun() {
        let report = Report.of(
            TCPScene(clientISN: 0, serverISN: 0, options: [1, 3, 3, 14], first: Array("GET / x".utf8)).capture)
        #expect(report.rules(.recognised) == [.disguise])
        #expect(report.evidence(.disguise).contains("window scale of 14"))
    }

    @Test("Lines have at most 80 columns, and the table has the busiest flow first")
    func text() {
        var writer = PcapWriter()
        Scene.noise(count: 12, seed: 1).write(to: &writer, number: 7)
        Scene.wireGuard().write(to: &writer)
        Scene.noise(count: 40, seed: 2).write(to: &writer, number: 9)
        let report = Report.of(writer.bytes)
        let text = report.text(of: "scene.pcap")
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.allSatisfy { $0.count <= 80 }, "\(lines.filter { $0.count > 80 })")
        #expect(lines.allSatisfy { $0.last != " " })
        #expect(text.hasPrefix("scene.pcap: \(report.packets) packets, 3 UDP flows, 0 TCP flows\n"))
        #expect(lines[3].hasPrefix("   1"))
        #expect(lines[3].contains("RECOGNISED"))
        #expect(text.contains("\nFlow 1: udp 192.0.2.1:40001 > 192.0.2.2:30001\n"))
        #expect(text.contains("\nAll UDP flows together\n"))
        #expect(report.flows.map(\.packets) == report.flows.map(\.packets).sorted(by: >))
    }

    @Test("tshark's list of conversations")
    func tshark() {
        let output = """
            ================================================================================
            UDP Conversations
            Filter:wg
                                                                       |       <-      | |       ->      |
            192.0.2.1:40002            <-> 192.0.2.2:30001                 40 5932 bytes     129 149 kB
            192.0.2.1:40002            <-> 192.0.2.2:30004                 41 6070 bytes     128 148 kB
            ================================================================================
            """
        let answer = DetectorProgram.tshark.answer(status: 0, output: output, flows: 3)
        #expect(answer.recognised == 2)
        #expect(answer.answer == "WireGuard in 2 of 3 UDP flows")
        #expect(DetectorProgram.tshark.answer(status: 2, output: "", flows: 3).recognised == nil)
        #expect(DetectorProgram.tshark.answer(status: 0, output: "", flows: 3).answer == "failed with exit code 0")
    }

    @Test("nDPI's list of protocols")
    func nDPI() {
        let output = """
            Detected protocols:
            \tUnknown              packets: 9             bytes: 900           flows: 3
            \tWireGuard            packets: 725           bytes: 104562        flows: 12           


            Protocol statistics:
            \tAcceptable                  104562 bytes
            """
        let answer = DetectorProgram.ndpiReader.answer(status: 0, output: output, flows: 15)
        #expect(answer.recognised == 12)
        #expect(answer.answer == "WireGuard in 12 of 15 UDP flows; else Unknown 3")
    }

    @Test("Numbers for people")
    func numbers() {
        #expect(Text.decimal(3.456, 2) == "3.46")
        #expect(Text.decimal(0.04, 1) == "0.0")
        #expect(Text.decimal(-1.25, 1) == "-1.3")
        #expect(Text.decimal(.nan, 1) == "?")
        #expect(Text.size(999) == "999 B")
        #expect(Text.size(1_234_567) == "1.2 MB")
        #expect(Text.wrapped("one two three", width: 8, indent: " ") == [" one two", " three"])
    }
}

/// The beginning of a connection.
struct TCPScene {
    var clientISN: UInt32
    var serverISN: UInt32
    var options: [UInt8]
    var first: [UInt8]

    var capture: [UInt8] {
        Maker(isBigEndian: false).pcap([
            segment(isClient: true, sequence: clientISN, flags: 0x02, options: options, payload: []),
            segment(isClient: false, sequence: serverISN, flags: 0x12, options: options, payload: []),
            segment(isClient: true, sequence: clientISN + 1, flags: 0x10, options: [], payload: []),
            segment(
                isClient: false, sequence: serverISN + 1, flags: 0x18, options: [], payload: Array("220 hello".utf8)),
            segment(isClient: true, sequence: clientISN + 1, flags: 0x18, options: [], payload: first),
        ])
    }

    private func segment(isClient: Bool, sequence: UInt32, flags: UInt8, options: [UInt8], payload: [UInt8]) -> [UInt8]
    {
        let maker = Maker(isBigEndian: true)
        let ports: [UInt8] = isClient ? [0x9c, 0x41, 0x01, 0xbb] : [0x01, 0xbb, 0x9c, 0x41]
        let addresses: [UInt8] = isClient ? [192, 0, 2, 1, 192, 0, 2, 2] : [192, 0, 2, 2, 192, 0, 2, 1]
        let tcp =
            ports + maker.number(sequence) + [
                0, 0, 0, 0, UInt8((20 + options.count) / 4) << 4, flags, 0xff, 0xff, 0, 0, 0, 0,
            ]
            + options + payload
        return [0x45, 0] + maker.number(UInt16(20 + tcp.count)) + [0, 0, 0x40, 0, 64, 6, 0, 0] + addresses + tcp
    }
}
