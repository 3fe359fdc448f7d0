package import NIOCore
package import NIOHTTP1
import Status
import Synchronization

/// What is answered to a request. What was found out once is good for a second, so that many who ask cost no more than one.
package final class MetricsPages: Sendable {
    package struct Page: Sendable {
        package var status: HTTPResponseStatus
        package var contentType = "text/plain; charset=utf-8"
        package var body: ByteBuffer
    }

    private struct Found {
        var time: ContinuousClock.Instant
        var snapshot: InterfaceSnapshot
        var texts: [PeerMetricNames: ByteBuffer] = [:]
    }

    private let source: any MetricsSource
    private let version: String
    private let lifetime: Duration
    private let found = Mutex<Found?>(nil)

    /// - Parameters:
    ///   - version: of this program, as `1.2.3`.
    ///   - lifetime: how long what was found out is good for.
    package init(_ source: any MetricsSource, version: String, lifetime: Duration = .seconds(1)) {
        self.source = source
        self.version = version
        self.lifetime = lifetime
    }

    /// Answers a request for a path with its query. Takes as long as the source does.
    package func page(_ target: String) -> Page {
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let query = parts.count > 1 ? parts[1] : ""
        do {
            switch parts.first ?? "" {
            case "/metrics": return try metrics(query)
            case "/livez":
                try source.check()
                return Self.sentence(.ok, "ok")
            case "/readyz":
                switch try readiness() {
                case .ready(let sentence): return Self.sentence(.ok, "ready: \(sentence)")
                case .notReady(let sentence): return Self.sentence(.serviceUnavailable, "not ready: \(sentence)")
                }
            case "/": return Self.sentence(.ok, "/metrics, /livez, /readyz")
            default: return Self.sentence(.notFound, "there are /metrics, /livez and /readyz")
            }
        } catch {
            return Self.sentence(.serviceUnavailable, "\(error)")
        }
    }

    /// Forgets what isn't good any more, which for many peers is much.
    package func forget() {
        found.withLock { found in
            if let time = found?.time, time.duration(to: .now) >= lifetime { found = nil }
        }
    }

    private func metrics(_ query: Substring) throws -> Page {
        var names = PeerMetricNames.mindflavor
        for pair in query.split(separator: "&") where pair.hasPrefix("names=") {
            guard let known = PeerMetricNames(rawValue: String(pair.dropFirst("names=".count))) else {
                let known = PeerMetricNames.allCases.map(\.rawValue).joined(separator: ", ")
                return Self.sentence(.badRequest, "names has to be one of \(known)")
            }
            names = known
        }
        let body = try withSnapshot { found in
            if let text = found.texts[names] { return text }
            let text = ByteBuffer(bytes: Exposition.text(of: [found.snapshot], names: names, version: version))
            found.texts[names] = text
            return text
        }
        return Page(status: .ok, contentType: "text/plain; version=0.0.4; charset=utf-8", body: body)
    }

    private func readiness() throws -> Readiness {
        try withSnapshot { Readiness($0.snapshot) }
    }

    /// One at a time asks the source; others wait and have the same answer.
    private func withSnapshot<Value: Sendable>(_ body: (inout Found) -> Value) throws -> Value {
        try found.withLock { stored in
            var current: Found
            if let stored, stored.time.duration(to: .now) < lifetime {
                current = stored
            } else {
                stored = nil
                let snapshot = try source.snapshot()
                current = Found(time: .now, snapshot: snapshot)
            }
            let value = body(&current)
            stored = current
            return value
        }
    }

    private static func sentence(_ status: HTTPResponseStatus, _ text: String) -> Page {
        Page(status: status, body: ByteBuffer(string: text + "\n"))
    }
}
