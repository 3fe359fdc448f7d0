import Glibc
package import Tunnel
import Wire

extension UAPIResponse {
    /// The answer to `report`: a line `key=value` for each fact that isn't zero or missing, those of the interface first, those of a
    /// peer behind its `public_key`. Where a value has several parts, a space is between them. Ages are milliseconds.
    package static func report(_ report: DeviceReport, interfaceName: @escaping (UInt32) -> String?) -> [UInt8] {
        var output = ReportWriter(capacity: 4096 + 512 * report.peers.count, interfaceName)
        output.line(.age, report.age)
        if report.isUp { output.line(.isUp, .text("true")) }
        output.count(.bindFailure, UInt64(report.bindFailure.magnitude))
        output.count(.mtu, UInt64(max(0, report.mtu)))
        if report.isUnderLoad { output.line(.isUnderLoad, .text("true")) }
        for drop in report.drops { output.line(.drop, .text(drop.reason), .number(drop.count)) }
        for drop in report.earlierDrops { output.line(.earlierDrop, .text(drop.reason), .number(drop.count)) }
        if let failure = report.sendFailure {
            output.line(.sendFailure, .number(UInt64(failure.code.magnitude)), .age(failure.age))
        }
        if let stranger = report.stranger {
            output.line(
                .stranger, .text(Hex.encode(stranger.publicKey.bytes)), .endpoint(stranger.endpoint),
                .age(stranger.age))
        }
        if let misdirected = report.misdirected {
            output.line(.misdirected, .endpoint(misdirected.endpoint), .age(misdirected.age))
        }
        if let mismatch = report.mismatch {
            output.line(.mismatch, .endpoint(mismatch.endpoint), .age(mismatch.age), .text(mismatch.finding))
        }
        if let unroutable = report.unroutable {
            output.line(.unroutable, .address(unroutable.destination), .age(unroutable.age))
        }
        for peer in report.peers { append(peer, to: &output) }
        return output.end()
    }

    private static func append(_ peer: PeerReport, to output: inout ReportWriter) {
        output.begin(peer.publicKey)
        if let name = peer.endpointName { output.line(.endpointName, .text(name)) }
        if !peer.annotation.name.isEmpty { output.line(.name, .text(peer.annotation.name)) }
        if let expires = peer.annotation.expires { output.line(.expires, UInt64(max(0, expires))) }
        if let quota = peer.annotation.quota { output.line(.quota, quota) }
        if let since = peer.annotation.quotaSince { output.line(.quotaSince, UInt64(max(0, since))) }
        if let used = peer.quotaUsed { output.line(.quotaUsed, used) }
        if let suspension = peer.suspension { output.line(.suspension, .text(suspension.rawValue)) }
        output.count(.initiationsSent, peer.initiationsSent)
        output.count(.initiationsAccepted, peer.initiationsAccepted)
        output.count(.completedAsInitiator, peer.completedAsInitiator)
        output.count(.completedAsResponder, peer.completedAsResponder)
        output.count(.timesGivenUp, peer.timesGivenUp)
        output.count(.earlierInitiationsSent, peer.earlier.initiationsSent)
        output.count(.earlierInitiationsAccepted, peer.earlier.initiationsAccepted)
        output.count(.earlierCompletedAsInitiator, peer.earlier.completedAsInitiator)
        output.count(.earlierCompletedAsResponder, peer.earlier.completedAsResponder)
        output.count(.earlierTimesGivenUp, peer.earlier.timesGivenUp)
        output.count(.unanswered, peer.unanswered)
        output.count(.unconfirmed, peer.unconfirmed)
        if let handshake = peer.handshake { output.line(.handshake, handshake) }
        if let microseconds = peer.handshakeMicroseconds { output.line(.handshakeMicroseconds, microseconds) }
        for refusal in peer.refusals {
            output.line(
                .refusal, .text(refusal.reason), .number(refusal.count), .age(refusal.age),
                .endpoint(refusal.endpoint))
        }
        if let age = peer.dataSent { output.line(.dataSent, age) }
        if let age = peer.dataReceived { output.line(.dataReceived, age) }
        if let age = peer.heard { output.line(.heard, age) }
        output.count(.foreignSources, peer.foreignSources)
        if let source = peer.foreignSource { output.line(.foreignSource, .address(source)) }
        output.count(.receivedTotal, peer.receivedTotal)
        output.count(.transmittedTotal, peer.transmittedTotal)
    }
}

/// Appends the lines of a report.
private struct ReportWriter {
    private var output: UAPIWriter
    private let interfaceName: (UInt32) -> String?

    enum Part {
        case number(UInt64)
        case age(Age)
        case address(IPAddress)
        case endpoint(Endpoint)
        /// With spaces only where it is the last part.
        case text(String)
    }

    init(capacity: Int, _ interfaceName: @escaping (UInt32) -> String?) {
        output = UAPIWriter(capacity: capacity)
        self.interfaceName = interfaceName
    }

    mutating func begin(_ peer: PublicKey) {
        output.line(.publicKey, key: peer.bytes)
    }

    /// A line unless the number is 0.
    mutating func count(_ key: ReportKey, _ number: UInt64) {
        if number != 0 { line(key, number) }
    }

    mutating func line(_ key: ReportKey, _ age: Age) {
        line(key, age.milliseconds)
    }

    mutating func line(_ key: ReportKey, _ number: UInt64) {
        begin(key)
        output.append(number)
        output.append("\n")
    }

    mutating func line(_ key: ReportKey, _ parts: Part...) {
        begin(key)
        for (place, part) in parts.enumerated() {
            if place > 0 { output.append(" ") }
            switch part {
            case .number(let number): output.append(number)
            case .age(let age): output.append(age.milliseconds)
            case .address(let address): output.append(address)
            case .endpoint(let endpoint): output.append(endpoint, interfaceName: interfaceName)
            case .text(let text): output.append(withoutLineEnds: text)
            }
        }
        output.append("\n")
    }

    mutating func end() -> [UInt8] {
        output.end(errno: 0)
        return output.bytes
    }

    private mutating func begin(_ key: ReportKey) {
        output.append(key.text)
        output.append("=")
    }
}

extension InitiationOutcome {
    /// How the configuration socket answers: an `errno` value, 0 when the initiation was sent.
    package var code: Int32 {
        switch self {
        case .sent: 0
        case .tooSoon: EAGAIN
        case .noSuchPeer: ENOENT
        case .interfaceDown: ENETDOWN
        case .suspended: EKEYEXPIRED
        case .noEndpoint: EDESTADDRREQ
        case .noPrivateKey: ENOKEY
        case .lowOrderKey: EKEYREJECTED
        }
    }
}
