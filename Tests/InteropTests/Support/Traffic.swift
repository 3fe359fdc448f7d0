import Foundation

/// What `ping` reports.
struct PingReport {
    let transmitted: Int
    /// The sequence numbers that were answered, in order of arrival.
    let sequence: [Int]
    /// Milliseconds, nil without an answer.
    let medianRoundTrip: Double?
    let text: String

    var received: Int { Set(sequence).count }

    /// The longest run of unanswered packets before one that was answered.
    var longestGap: Int {
        zip([0] + sequence, sequence).map { $1 - $0 - 1 }.max() ?? transmitted
    }

    init(_ text: String) {
        self.text = text
        var times: [Double] = []
        var sequence: [Int] = []
        var transmitted = 0
        for line in text.split(separator: "\n") {
            if line.contains("bytes from"), let number = line.value(after: "icmp_seq=").flatMap({ Int($0) }) {
                sequence.append(number)
                if let time = line.value(after: "time=").flatMap({ Double($0) }) { times.append(time) }
            } else if line.contains("packets transmitted") {
                transmitted = Int(line.prefix { $0 != " " }) ?? 0
            }
        }
        times.sort()
        self.sequence = sequence
        self.transmitted = transmitted
        medianRoundTrip = times.isEmpty ? nil : times[times.count / 2]
    }
}

extension Namespace {
    /// Pings `address`, and waits for the last answer up to `patience` seconds.
    func ping(
        _ address: String, count: Int = 3, size: Int = 56, interval: Double = 0.05, source: String? = nil,
        patience: Double = 2
    ) async throws -> PingReport {
        var words = ["ping", "-n", "-c", "\(count)", "-s", "\(size)", "-i", "\(interval)", "-W", "\(patience)"]
        if let source { words += ["-I", source] }
        let limit = Duration.seconds(Double(count) * interval + patience + 10)
        return PingReport(try await run(words + [address], timeout: limit, mayFail: true).output)
    }

    /// Starts a ping at 5 packets in a second, for as long as it is let.
    func startPing(_ address: String, count: Int) throws -> Child {
        try start(["ping", "-n", "-i", "0.2", "-W", "2", "-c", "\(count)", address])
    }

    /// How long until a ping was answered, nil when none was within `seconds`.
    func firstAnswer(from address: String, within seconds: Int) async throws -> Duration? {
        let start = ContinuousClock.now
        let deadline = start + .seconds(seconds)
        // Ping gives up when it is told that the address can't be reached.
        while ContinuousClock.now < deadline {
            let left = max(1, (deadline - ContinuousClock.now).components.seconds)
            let words = ["ping", "-n", "-i", "0.1", "-c", "1", "-w", "\(left)", address]
            let result = try await run(words, timeout: .seconds(left + 10), mayFail: true)
            if PingReport(result.output).received > 0 { return ContinuousClock.now - start }
            try await Task.sleep(for: .milliseconds(50))
        }
        return nil
    }

    /// Starts a Python program, and waits until it says that it is ready.
    func serve(_ script: String, _ arguments: [String]) async throws -> Child {
        let child = try start(["python3", "-I", "-c", script] + arguments)
        let ready = try await eventually(within: .seconds(10), every: .milliseconds(10)) {
            child.status() != nil || child.output.hasPrefix("ready")
        }
        guard ready, child.status() == nil else { throw Failure("a server didn't start: \(child.errors)") }
        return child
    }
}

/// What one end of a transfer saw.
struct TransferEnd: Decodable, Equatable {
    let bytes: Int
    /// SHA-256, hexadecimal.
    let digest: String
}

/// What came back of packets of every size.
struct EchoReport: Decodable {
    /// Payload sizes whose content was wrong; the first ones.
    let bad: [Int]
    /// Payload sizes that didn't come back; the first ones.
    let missing: [Int]
    let missingCount: Int
}

/// The totals of an `iperf3` run, bits in a second at the receiving ends.
struct ThroughputReport {
    let forward: Double
    /// 0 unless the run was in both directions.
    let reverse: Double
}

extension Tunnel {
    /// Moves bytes through one TCP connection, and returns what the sender and the receiver saw.
    func transfer(
        bytes: Int, _ family: Family = .ipv4, fromServer: Bool = false, timeout: Duration = .seconds(120)
    ) async throws -> (sent: TransferEnd, received: TransferEnd) {
        let place = [server.address(family), "5100"]
        let (task, other) = fromServer ? ("send", "receive") : ("receive", "send")
        let listener = try await server.namespace.serve(Scripts.transfer, ["serve"] + place + [task, "\(bytes)"])
        let words = ["python3", "-I", "-c", Scripts.transfer, "call"] + place + [other, "\(bytes)"]
        let caller = try await client.namespace.run(words, timeout: timeout)
        guard try await listener.end(within: .seconds(20)) == 0 else { throw Failure(listener.errors) }
        let ends = try [listener.output, caller.output].map { text in
            try JSONDecoder().decode(TransferEnd.self, from: Data((text.split(separator: "\n").last ?? "").utf8))
        }
        return fromServer ? (sent: ends[0], received: ends[1]) : (sent: ends[1], received: ends[0])
    }

    /// Sends UDP payloads of each size in `sizes` from the client, never fragmented, and has the server send them back.
    func echo(_ sizes: ClosedRange<Int>, _ family: Family) async throws -> EchoReport {
        let place = [server.address(family), "5200"]
        let listener = try await server.namespace.serve(Scripts.echo, place)
        let arguments = [client.address(family)] + place + ["\(sizes.lowerBound)", "\(sizes.upperBound)"]
        let result = try await client.namespace.run(
            ["python3", "-I", "-c", Scripts.call] + arguments, timeout: .seconds(60))
        await listener.stop()
        return try JSONDecoder().decode(EchoReport.self, from: Data(result.output.utf8))
    }

    /// Runs `iperf3` from the client, with more arguments for it.
    func throughput(_ family: Family = .ipv4, seconds: Int, _ arguments: [String] = []) async throws -> ThroughputReport
    {
        let listener = try server.namespace.start(["iperf3", "-s", "-1", "-B", server.address(family)])
        let listens = try await eventually(within: .seconds(5)) {
            try await server.namespace.run("ss -Hltn sport = 5201").output.contains("5201")
        }
        guard listens else { throw Failure("iperf3 didn't start: \(listener.errors)\(listener.output)") }
        let words = ["iperf3", "-J", "-t", "\(seconds)", "-c", server.address(family)] + arguments
        let result = try await client.namespace.run(words, timeout: .seconds(seconds + 30))
        let report = try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any]
        let end = report?["end"] as? [String: Any]
        func rate(_ name: String) -> Double? {
            (end?[name] as? [String: Any])?["bits_per_second"] as? Double
        }
        guard let forward = rate("sum_received") else { throw Failure("iperf3 says something new: \(result.output)") }
        return ThroughputReport(forward: forward, reverse: rate("sum_received_bidir_reverse") ?? 0)
    }
}

extension Substring {
    /// The word that follows `key`.
    fileprivate func value(after key: String) -> Substring? {
        guard let range = range(of: key) else { return nil }
        return self[range.upperBound...].prefix { !$0.isWhitespace }
    }
}
