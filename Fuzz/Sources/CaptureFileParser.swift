import Inspection
import TestKit
import Wire

/// Capture files, whole and in pieces, up to the report.
final class CaptureFileParser: FuzzedParser {
    let share = 2
    let longestInput = 4096

    func run(_ input: inout Input) {
        let pieceSize = Int(input.byte())
        let bytes = Array(input.all())
        let whole = packets(in: bytes, pieceSize: .max)
        require(whole.reduce(0) { $0 + $1.bytes.count } <= bytes.count, "packets hold no more than the file")
        if pieceSize > 0 {
            let times = packets(in: bytes, pieceSize: pieceSize).map(\.time)
            require(times == whole.map(\.time), "pieces don't change what a file holds")
        }
        var table = FlowTable()
        for packet in whole { table.see(packet) }
        require(table.packets == whole.count, "every packet is counted")
        let text = Report(table).text(of: "fuzz")
        require(text.split(separator: "\n").allSatisfy { $0.count <= 80 }, "lines have at most 80 columns")
    }

    private func packets(in bytes: [UInt8], pieceSize: Int) -> [CapturedPacket] {
        var parser = CaptureParser()
        var packets: [CapturedPacket] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            parser.append(rest.prefix(pieceSize))
            rest = rest.dropFirst(pieceSize)
            do {
                while let packet = try parser.next() { packets.append(packet) }
            } catch {
                break
            }
        }
        return packets
    }

    var samples: [[UInt8]] {
        let packet = SamplePacket.udp(
            from: .v4(IPv4Address(0x0a00_0001)), to: .v4(IPv4Address(0x0a00_0002)))
        let pcap =
            littleEndian(UInt32(0xa1b2_c3d4)) + [2, 0, 4, 0] + [UInt8](repeating: 0, count: 8)
            + littleEndian(UInt32(65_535)) + littleEndian(UInt32(101))
        let record =
            littleEndian(UInt32(1)) + littleEndian(UInt32(2)) + littleEndian(UInt32(packet.count))
            + littleEndian(UInt32(packet.count)) + packet
        let section = block(0x0a0d_0d0a, littleEndian(UInt32(0x1a2b_3c4d)) + [1, 0, 0, 0] + littleEndian(UInt64.max))
        let interface = block(1, [101, 0, 0, 0, 0, 0, 0, 0, 9, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0])
        let enhanced = block(
            6,
            [UInt8](repeating: 0, count: 12) + littleEndian(UInt32(packet.count)) + littleEndian(UInt32(packet.count))
                + packet)
        return [[0] + pcap + record + record, [7] + section + interface + enhanced + enhanced]
    }

    private func block(_ type: UInt32, _ body: [UInt8]) -> [UInt8] {
        let padded = body + [UInt8](repeating: 0, count: (4 - body.count % 4) % 4)
        let length = littleEndian(UInt32(padded.count + 12))
        return littleEndian(type) + length + padded + length
    }
}
