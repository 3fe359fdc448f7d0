import Tunnel
import Wire

/// The answer to a `report`, which may come from a program that means no good. Keys that it doesn't know are passed over, so that a
/// newer daemon is understood.
package struct UAPIReportAnswer: UAPIAnswer {
    /// Lines of one kind that may be repeated, for the interface or one peer.
    private static let longestList = 256

    private let limits: UAPILimits
    private let scopes: UAPIScopes
    private var report = DeviceReport()

    package init(scopes: UAPIScopes, limits: UAPILimits) {
        self.scopes = scopes
        self.limits = limits
    }

    package mutating func read(
        _ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer
    ) throws(UAPIFailure) {
        if name.equals(UAPIKey.publicKey.name) {
            guard report.peers.count < limits.peers else { throw .tooMany }
            report.peers.append(PeerReport(try wellFormed(UAPIValue.publicKey(value))))
            return
        }
        guard let key = ReportKey(name) else { return }
        var parts = ReportParts(value, scopes: scopes)
        if report.peers.isEmpty {
            try readDeviceLine(key, &parts)
        } else {
            try Self.read(key, &parts, &report.peers[report.peers.count - 1])
        }
    }

    package func content() -> DeviceReport { report }

    private mutating func readDeviceLine(_ key: ReportKey, _ parts: inout ReportParts) throws(UAPIFailure) {
        switch key {
        case .age: report.age = try parts.age()
        case .isUp: report.isUp = try parts.flag()
        case .bindFailure: report.bindFailure = try parts.code()
        case .mtu: report.mtu = Int(try parts.number(atMost: UInt64(Int32.max)))
        case .isUnderLoad: report.isUnderLoad = try parts.flag()
        case .drop:
            guard report.drops.count < Self.longestList else { throw .tooMany }
            report.drops.append(DeviceReport.Count(try parts.word(), try parts.counter()))
        case .earlierDrop:
            guard report.earlierDrops.count < Self.longestList else { throw .tooMany }
            report.earlierDrops.append(DeviceReport.Count(try parts.word(), try parts.counter()))
        case .sendFailure:
            report.sendFailure = DeviceReport.SendFailure(code: try parts.code(), age: try parts.age())
        case .stranger:
            report.stranger = DeviceReport.Stranger(
                publicKey: try parts.publicKey(), endpoint: try parts.endpoint(), age: try parts.age())
        case .misdirected:
            report.misdirected = DeviceReport.Misdirected(endpoint: try parts.endpoint(), age: try parts.age())
        case .mismatch:
            let (endpoint, age) = (try parts.endpoint(), try parts.age())
            report.mismatch = DeviceReport.Mismatch(finding: parts.rest(), endpoint: endpoint, age: age)
        case .unroutable:
            report.unroutable = DeviceReport.Unroutable(destination: try parts.address(), age: try parts.age())
        default: throw .malformed
        }
    }

    private static func read(
        _ key: ReportKey, _ parts: inout ReportParts, _ peer: inout PeerReport
    ) throws(UAPIFailure) {
        switch key {
        case .endpointName: peer.endpointName = parts.rest()
        case .name: peer.annotation.name = parts.rest()
        case .expires: peer.annotation.expires = Int64(clamping: try parts.counter())
        case .quota: peer.annotation.quota = try parts.counter()
        case .quotaSince: peer.annotation.quotaSince = Int64(clamping: try parts.counter())
        case .quotaUsed: peer.quotaUsed = try parts.counter()
        case .suspension: peer.suspension = PeerReport.Suspension(rawValue: parts.rest())
        case .initiationsSent: peer.initiationsSent = try parts.counter()
        case .initiationsAccepted: peer.initiationsAccepted = try parts.counter()
        case .completedAsInitiator: peer.completedAsInitiator = try parts.counter()
        case .completedAsResponder: peer.completedAsResponder = try parts.counter()
        case .timesGivenUp: peer.timesGivenUp = try parts.counter()
        case .earlierInitiationsSent: peer.earlier.initiationsSent = try parts.counter()
        case .earlierInitiationsAccepted: peer.earlier.initiationsAccepted = try parts.counter()
        case .earlierCompletedAsInitiator: peer.earlier.completedAsInitiator = try parts.counter()
        case .earlierCompletedAsResponder: peer.earlier.completedAsResponder = try parts.counter()
        case .earlierTimesGivenUp: peer.earlier.timesGivenUp = try parts.counter()
        case .unanswered: peer.unanswered = try parts.counter()
        case .unconfirmed: peer.unconfirmed = try parts.counter()
        case .handshake: peer.handshake = try parts.age()
        case .handshakeMicroseconds: peer.handshakeMicroseconds = try parts.counter()
        case .refusal:
            guard peer.refusals.count < longestList else { throw .tooMany }
            peer.refusals.append(
                PeerReport.Refusal(
                    reason: try parts.word(), count: try parts.counter(), age: try parts.age(),
                    endpoint: try parts.endpoint()))
        case .dataSent: peer.dataSent = try parts.age()
        case .dataReceived: peer.dataReceived = try parts.age()
        case .heard: peer.heard = try parts.age()
        case .foreignSources: peer.foreignSources = try parts.counter()
        case .foreignSource: peer.foreignSource = try parts.address()
        case .receivedTotal: peer.receivedTotal = try parts.counter()
        case .transmittedTotal: peer.transmittedTotal = try parts.counter()
        default: throw .malformed
        }
    }
}

/// The parts of one line's value, taken from its front. What is left over belongs to a newer daemon.
private struct ReportParts {
    private var left: UnsafeRawBufferPointer
    private let scopes: UAPIScopes

    init(_ value: UnsafeRawBufferPointer, scopes: UAPIScopes) {
        left = value
        self.scopes = scopes
    }

    mutating func word() throws(UAPIFailure) -> String {
        let part = next()
        guard !part.isEmpty else { throw .malformed }
        return String(decoding: part, as: UTF8.self)
    }

    mutating func flag() throws(UAPIFailure) -> Bool {
        guard next().equals("true") else { throw .malformed }
        return true
    }

    mutating func counter() throws(UAPIFailure) -> UInt64 { try wellFormed(UAPIValue.counter(next())) }

    mutating func number(atMost limit: UInt64) throws(UAPIFailure) -> UInt64 {
        try wellFormed(UAPIValue.number(next(), atMost: limit))
    }

    /// An `errno` value.
    mutating func code() throws(UAPIFailure) -> Int32 { Int32(try number(atMost: UInt64(Int32.max))) }

    mutating func age() throws(UAPIFailure) -> Age { Age(milliseconds: try counter()) }

    mutating func publicKey() throws(UAPIFailure) -> PublicKey { try wellFormed(UAPIValue.publicKey(next())) }

    mutating func address() throws(UAPIFailure) -> IPAddress { try wellFormed(IPAddress(utf8: next())) }

    mutating func endpoint() throws(UAPIFailure) -> Endpoint {
        try wellFormed(UAPIValue.shownEndpoint(next(), scopes: scopes))
    }

    /// All that is left, spaces too.
    mutating func rest() -> String {
        defer { left = UnsafeRawBufferPointer(rebasing: left[left.endIndex...]) }
        return String(decoding: left, as: UTF8.self)
    }

    private mutating func next() -> UnsafeRawBufferPointer {
        let end = left.firstIndex(ofByte: UInt8(ascii: " ")) ?? left.endIndex
        let part = UnsafeRawBufferPointer(rebasing: left[..<end])
        left = UnsafeRawBufferPointer(rebasing: left[min(end + 1, left.endIndex)...])
        return part
    }
}
