import Datapath
import Synchronization
import Tunnel
import Wire

extension Engine {
    /// What is known at this moment, but for the names of endpoints.
    func report() -> DeviceReport {
        let facts = self.facts
        var report = DeviceReport()
        report.age = facts.age(of: facts.started)
        report.isUp = facts.isUp
        report.bindFailure = facts.bindFailure
        report.mtu = facts.mtu
        report.isUnderLoad = facts.isUnderLoad
        report.drops = DropReason.allCases.map { DeviceReport.Count($0.name, facts.drops[$0]) }
        report.sendFailure = facts.drops.lastSendFailure.map {
            DeviceReport.SendFailure(code: $0.code, age: facts.age(of: $0.at))
        }
        report.unroutable = facts.drops.lastUnroutable.map {
            DeviceReport.Unroutable(destination: $0.destination, age: facts.age(of: $0.at))
        }
        report.stranger = facts.stranger.map {
            DeviceReport.Stranger(
                publicKey: $0.publicKey, endpoint: $0.sighting.endpoint, age: facts.age(of: $0.sighting.at))
        }
        report.misdirected = facts.misdirected.map {
            DeviceReport.Misdirected(endpoint: $0.endpoint, age: facts.age(of: $0.at))
        }
        report.mismatch = facts.mismatch.map {
            DeviceReport.Mismatch(finding: $0.finding, endpoint: $0.endpoint, age: facts.age(of: $0.at))
        }
        report.peers = facts.peers.map { facts.report(of: $0) }
        return report
    }
}

extension Engine.Facts {
    fileprivate func age(of instant: Instant) -> Age {
        Age(milliseconds: now.since(instant).nanoseconds / 1_000_000)
    }

    /// Nil for a time of 0, which stands for never.
    private func age(ofAtomic nanoseconds: UInt64) -> Age? {
        nanoseconds == 0 ? nil : age(of: Instant(nanoseconds: nanoseconds))
    }

    fileprivate func report(of peer: Peer) -> PeerReport {
        let history = peer.history
        var report = PeerReport(peer.publicKey)
        report.annotation = peer.annotation
        report.initiationsSent = history.initiationsSent
        report.initiationsAccepted = history.initiationsAccepted
        report.completedAsInitiator = history.completedAsInitiator
        report.completedAsResponder = history.completedAsResponder
        report.timesGivenUp = history.timesGivenUp
        report.unanswered = history.unanswered
        report.unconfirmed = history.unconfirmed
        report.handshake = history.completedAt.map { age(of: $0) }
        report.handshakeMicroseconds = history.roundTrip.map { $0.nanoseconds / 1000 }
        report.refusals = history.refusals.map {
            PeerReport.Refusal(reason: $0.reason.name, count: $0.count, age: age(of: $0.at), endpoint: $0.endpoint)
        }
        report.dataSent = age(ofAtomic: peer.lastDataSent.load(ordering: .relaxed))
        report.dataReceived = age(ofAtomic: peer.lastDataReceived.load(ordering: .relaxed))
        let heard = age(ofAtomic: peer.lastHeard.load(ordering: .relaxed))
        report.heard = [heard, report.dataReceived].compactMap { $0 }.min()
        (report.foreignSources, report.foreignSource) = peer.foreignSources.withLock { ($0.count, $0.last) }
        report.receivedTotal = peer.receivedBytes.load(ordering: .relaxed)
        report.transmittedTotal = peer.transmittedBytes.load(ordering: .relaxed)
        return report
    }
}
