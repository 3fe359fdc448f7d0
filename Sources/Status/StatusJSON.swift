import Control
import Tunnel
import Wire

/// What `nightjar status --json` prints. docs/status-json.md describes it; a change that a reader could trip over needs a new version.
package enum StatusJSON {
    package static let version = 1

    package static func text(_ overview: Overview) -> [UInt8] {
        JSONText.document { text in
            text.member("version", version)
            text.objects("interfaces", overview.interfaces) { $0.add($1) }
            text.objects("failures", overview.failures) { text, failure in
                text.member("name", failure.name)
                text.member("reason", failure.reason)
            }
        }
    }
}

extension JSONText {
    fileprivate mutating func add(_ interface: InterfaceView) {
        let snapshot = interface.snapshot
        let status = snapshot.status
        member("name", snapshot.name)
        member("server", snapshot.server.name)
        add(interface.health)
        member("up", snapshot.isUp)
        member("publicKey", status.publicKey?.base64)
        member("listenPort", status.listenPort == 0 ? nil : status.listenPort)
        member("firewallMark", status.firewallMark == 0 ? nil : status.firewallMark)
        member("mtu", snapshot.mtu)
        member("obfuscation", status.obfuscation.dialect?.rawValue)
        member("file", snapshot.path)
        member("receivedBytes", interface.received)
        member("sentBytes", interface.sent)
        add(interface.rate)
        if let report = snapshot.report { add(report) }
        objects("peers", interface.peers) { text, peer in
            text.add(peer, interface.routes)
            let annotation = snapshot.annotation(of: peer.snapshot)
            text.member("expires", annotation.expires)
            text.member("quota", annotation.quota)
        }
    }

    private mutating func add(_ report: DeviceReport) {
        member("ageSeconds", report.age)
        member("underLoad", report.isUnderLoad)
        objects("drops", report.drops.lazy.filter { $0.count > 0 }) { text, drop in
            text.member("reason", drop.reason)
            text.member("count", drop.count)
        }
        if let failure = report.sendFailure {
            object("sendFailure") { text in
                text.member("errno", failure.code)
                text.member("ageSeconds", failure.age)
            }
        }
        if let stranger = report.stranger {
            object("stranger") { text in
                text.member("publicKey", stranger.publicKey.base64)
                text.member("endpoint", EndpointName(stranger.endpoint).description)
                text.member("ageSeconds", stranger.age)
            }
        }
        if let misdirected = report.misdirected {
            object("misdirected") { text in
                text.member("endpoint", EndpointName(misdirected.endpoint).description)
                text.member("ageSeconds", misdirected.age)
            }
        }
        if let mismatch = report.mismatch {
            object("mismatch") { text in
                text.member("finding", mismatch.finding)
                text.member("endpoint", EndpointName(mismatch.endpoint).description)
                text.member("ageSeconds", mismatch.age)
            }
        }
        if let unroutable = report.unroutable {
            object("unroutable") { text in
                text.member("destination", unroutable.destination.description)
                text.member("ageSeconds", unroutable.age)
            }
        }
    }

    private mutating func add(_ peer: PeerView, _ routes: InterfaceRoutes?) {
        let snapshot = peer.snapshot
        member("publicKey", snapshot.publicKey.base64)
        member("name", snapshot.name)
        add(peer.health)
        member("enabled", snapshot.entry?.isEnabled)
        member("endpointName", snapshot.endpointName)
        if let status = snapshot.status {
            member("endpoint", status.endpoint.map { EndpointName($0).description })
            member("allowedIPs", status.allowedIPs.lazy.map(\.description))
            if let routes { member("routes", routes.routed(status.allowedIPs).lazy.map(\.description)) }
            member("latestHandshake", status.lastHandshake.seconds == 0 ? nil : status.lastHandshake.seconds)
            member("handshakeAgeSeconds", snapshot.handshake)
            member("receivedBytes", status.receivedBytes)
            member("sentBytes", status.transmittedBytes)
            add(peer.rate)
            member("persistentKeepalive", status.persistentKeepalive == 0 ? nil : status.persistentKeepalive)
            member("persistentKeepaliveMaximum", status.persistentKeepaliveMaximum)
            member("obfuscation", status.dialect == .plain ? nil : status.dialect.rawValue)
        }
        if let report = snapshot.report { add(report) }
    }

    private mutating func add(_ report: PeerReport) {
        member("suspension", report.suspension?.rawValue)
        member("quotaUsed", report.quotaUsed)
        object("handshakes") { text in
            text.member("initiationsSent", report.initiationsSent)
            text.member("initiationsAccepted", report.initiationsAccepted)
            text.member("completedAsInitiator", report.completedAsInitiator)
            text.member("completedAsResponder", report.completedAsResponder)
            text.member("unanswered", report.unanswered)
            text.member("unconfirmed", report.unconfirmed)
            text.member("timesGivenUp", report.timesGivenUp)
            text.member("latestMicroseconds", report.handshakeMicroseconds)
        }
        if !report.refusals.isEmpty {
            objects("refusals", report.refusals) { text, refusal in
                text.member("reason", refusal.reason)
                text.member("count", refusal.count)
                text.member("ageSeconds", refusal.age)
                text.member("endpoint", EndpointName(refusal.endpoint).description)
            }
        }
        member("dataSentAgeSeconds", report.dataSent)
        member("dataReceivedAgeSeconds", report.dataReceived)
        member("heardAgeSeconds", report.heard)
        if report.foreignSources > 0 {
            member("foreignSources", report.foreignSources)
            member("foreignSource", report.foreignSource?.description)
        }
    }

    private mutating func add(_ health: Health) {
        member("health", health.word.rawValue)
        member("reason", health.reason)
    }

    private mutating func add(_ rate: TransferRate?) {
        member("receivedBytesPerSecond", rate?.received)
        member("sentBytesPerSecond", rate?.sent)
    }

    private mutating func member(_ name: StaticString, _ age: Age?) {
        member(name, thousandths: age?.milliseconds)
    }
}

extension InterfaceSnapshot.Server {
    fileprivate var name: String {
        switch self {
        case .nightjar: "nightjar"
        case .otherProgram: "program"
        case .kernel: "kernel"
        }
    }
}
