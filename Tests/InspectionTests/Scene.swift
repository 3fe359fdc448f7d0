import TestKit
import Tunnel
import Wire

@testable import Inspection

/// Datagrams between two machines, as a capture holds them.
struct Scene {
    struct Line {
        /// Milliseconds from the beginning.
        var time: Int
        var side: Side
        var payload: [UInt8]
    }

    static let client = Endpoint(.v4(IPv4Address(0xc000_0201)), port: 40_001)
    static let server = Endpoint(.v4(IPv4Address(0xc000_0202)), port: 30_001)

    var lines: [Line] = []

    /// WireGuard's messages over `seconds`: a handshake every 120 s, packets both ways each 200 ms in the first ten seconds
    /// after it, and keepalives after 25 s of silence. What is encrypted is random.
    static func wireGuard(seconds: Int = 260, seed: UInt64 = 1) -> Scene {
        let random = SeededRandom(seed: seed)
        var scene = Scene()
        for epoch in stride(from: 0, to: seconds * 1000, by: 120_000) {
            let indices = [Side.client: random.bytes(4), .server: random.bytes(4)]
            var counters: [Side: UInt64] = [:]
            func own(_ side: Side) -> [UInt8] { indices[side] ?? [] }
            func add(_ time: Int, _ side: Side, _ payload: [UInt8]) {
                guard epoch + time < seconds * 1000 else { return }
                scene.lines.append(Line(time: epoch + time, side: side, payload: payload))
            }
            func addData(_ time: Int, _ side: Side, blocks: Int) {
                let counter = counters[side, default: 0]
                counters[side] = counter + 1
                let number = withUnsafeBytes(of: counter.littleEndian) { Array($0) }
                add(time, side, [4, 0, 0, 0] + own(side.other) + number + random.bytes(16 + blocks * 16))
            }
            add(0, .client, [1, 0, 0, 0] + own(.client) + random.bytes(140))
            add(20, .server, [2, 0, 0, 0] + own(.server) + own(.client) + random.bytes(80))
            for step in 0..<50 {
                addData(40 + step * 200, .client, blocks: Int(random.next() % 80))
                addData(60 + step * 200, .server, blocks: Int(random.next() % 80))
            }
            for silence in 1...4 { addData(9860 + silence * 25_000, .client, blocks: 0) }
        }
        return scene
    }

    /// Random datagrams at random times, of random sizes. They avoid the sizes of WireGuard's handshake, of which Wireshark
    /// takes one in 256 for WireGuard.
    static func noise(count: Int, seed: UInt64, sizes: ClosedRange<Int> = 40...1400) -> Scene {
        let random = SeededRandom(seed: seed)
        var (scene, time) = (Scene(), 0)
        for number in 0..<count {
            time += Int.random(in: 1...3000, using: &random.generator)
            let side: Side = number == 0 || random.chance(0.5) ? .client : .server
            var size = Int.random(in: sizes, using: &random.generator)
            if size == 148 || size == 92 { size += 1 }
            scene.lines.append(Line(time: time, side: side, payload: random.bytes(size)))
        }
        return scene
    }

    /// The same with other payloads.
    func disguised(_ disguise: (Line) -> [UInt8]) -> Scene {
        Scene(lines: lines.map { Line(time: $0.time, side: $0.side, payload: disguise($0)) })
    }

    /// With `payload` as the client's first datagram.
    func preceded(by payload: [UInt8]) -> Scene {
        Scene(
            lines: [Line(time: 0, side: .client, payload: payload)]
                + lines.map { Line(time: $0.time + 5, side: $0.side, payload: $0.payload) })
    }

    /// A capture file; the flow is told from others by `number`.
    func capture(number: UInt16 = 0) -> [UInt8] {
        var writer = PcapWriter()
        write(to: &writer, number: number)
        return writer.bytes
    }

    func write(to writer: inout PcapWriter, number: UInt16 = 0) {
        var client = Self.client
        client.port += number
        for line in lines {
            let (source, destination) = line.side == .client ? (client, Self.server) : (Self.server, client)
            writer.append(
                Datagram(source: source, destination: destination, payload: line.payload),
                at: WallTime(
                    seconds: 1_700_000_000 + Int64(line.time / 1000),
                    nanoseconds: UInt32(line.time % 1000) * 1_000_000))
        }
    }

    var report: Report { Report.of(capture()) }
}

extension Report {
    /// What is told of a capture file.
    static func of(_ capture: [UInt8]) -> Report {
        var table = FlowTable()
        for packet in packets(in: capture) { table.see(packet) }
        return Report(table)
    }

    static func packets(in capture: [UInt8], pieces: Int = .max) -> [CapturedPacket] {
        var parser = CaptureParser()
        var packets: [CapturedPacket] = []
        var rest = capture[...]
        while !rest.isEmpty {
            parser.append(rest.prefix(pieces))
            rest = rest.dropFirst(pieces)
            while let packet = try? parser.next() { packets.append(packet) }
        }
        return packets
    }

    /// The rules with this verdict about the first flow.
    func rules(_ verdict: Verdict) -> Set<Rule> {
        Set(flows.first?.findings.filter { $0.verdict == verdict }.map(\.rule) ?? [])
    }

    /// All that one rule says of the first flow.
    func evidence(_ rule: Rule) -> String {
        flows.first?.findings.filter { $0.rule == rule }.flatMap(\.evidence).joined(separator: "; ") ?? ""
    }
}

extension SeededRandom {
    /// For the calls that change their generator: this one is a reference.
    fileprivate var generator: SeededRandom {
        get { self }
        set {}
    }
}
