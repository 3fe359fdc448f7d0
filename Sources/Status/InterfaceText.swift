import Control
import LinuxNet
import Tunnel
import Wire

/// What is said of an interface above its peers.
struct InterfaceText {
    let interface: InterfaceView
    /// Columns of the terminal; nil: any number.
    let width: Int?

    private var snapshot: InterfaceSnapshot { interface.snapshot }

    var lines: [StyledLine] {
        var lines = [Self.title(interface).cut(to: width)]
        lines += StyledLine.wrapped(list: facts, indent: 2, width: width)
        lines += StyledLine.wrapped(transfer, indent: 2, width: width)
        lines += drops
        for note in notes { lines += StyledLine.wrapped(note, indent: 2, width: width, .yellow) }
        return lines
    }

    /// As "wg0: healthy, all 3 peers connected".
    static func title(_ interface: InterfaceView) -> StyledLine {
        var line = StyledLine(interface.name, .bold)
        line.add(": ")
        line.add(interface.health.word.rawValue, interface.health.word.style)
        line.add(", \(interface.health.reason)")
        return line
    }

    /// Of an interface that doesn't answer.
    static func title(_ failure: Overview.Failure) -> StyledLine {
        var line = StyledLine(failure.name, .bold)
        line.add(": ")
        line.add(Health.Word.broken.rawValue, Health.Word.broken.style)
        line.add(", \(failure.reason)")
        return line
    }

    private var drops: [StyledLine] {
        var list = Self.drops(interface)
        guard !list.isEmpty else { return [] }
        list[0] = "dropped: \(list[0])"
        return StyledLine.wrapped(list: list, indent: 2, width: width)
    }

    /// What was dropped and why, most of it first.
    static func drops(_ interface: InterfaceView) -> [String] {
        interface.drops.sorted { $0.count > $1.count }.map { "\($0.count) \($0.reason.printable)" }
    }

    private var facts: [String] {
        var facts: [String] = []
        switch snapshot.server {
        case .nightjar: facts.append("Nightjar" + (snapshot.report.map { ", up for \($0.age.span)" } ?? ""))
        case .otherProgram: facts.append("served by another program")
        case .kernel: facts.append("served by the kernel")
        }
        if snapshot.status.listenPort != 0 { facts.append("port \(snapshot.status.listenPort)") }
        if let mtu = snapshot.mtu { facts.append("MTU \(mtu)") }
        if let dialect = snapshot.status.obfuscation.dialect { facts.append("obfuscation \(dialect.rawValue)") }
        if let path = snapshot.path { facts.append(path.printableLine) }
        return facts
    }

    private var transfer: String {
        let total = "received \(Amount.text(interface.received)), sent \(Amount.text(interface.sent))"
        guard let rate = interface.rate else { return total }
        guard rate != TransferRate() else { return "\(total); nothing right now" }
        return "\(total); right now \(rate.text)"
    }

    /// What has happened lately and isn't about a peer.
    private var notes: [String] {
        guard let report = snapshot.report else { return [] }
        var notes: [String] = []
        if report.isUnderLoad { notes.append("under load: who wants a handshake has to prove its address first") }
        if let mismatch = report.mismatch, mismatch.age < Self.lately {
            notes.append(
                "\(EndpointName(mismatch.endpoint)) doesn't speak what is expected here: \(mismatch.finding.printableLine) "
                    + "(\(mismatch.age.ago))")
        }
        if let stranger = report.stranger, stranger.age < Self.lately {
            notes.append(
                "a stranger called \(stranger.age.ago) from \(EndpointName(stranger.endpoint)) with the key "
                    + "\(stranger.publicKey.base64), which no peer here has")
        }
        if let misdirected = report.misdirected, misdirected.age < Self.lately {
            notes.append(
                "a handshake for another public key than this interface's came from \(EndpointName(misdirected.endpoint)) "
                    + misdirected.age.ago)
        }
        if let unroutable = report.unroutable, unroutable.age < Self.lately {
            notes.append("no peer has \(unroutable.destination), which this machine sent to \(unroutable.age.ago)")
        }
        if let failure = report.sendFailure, failure.age < Self.lately {
            notes.append("sending failed \(failure.age.ago): \(SystemError.text(for: failure.code))")
        }
        return notes
    }

    private static let lately = Age(milliseconds: 600_000)
}

extension TransferRate {
    /// As "3.40 MiB/s in, 210 KiB/s out".
    var text: String { "\(Amount.text(received))/s in, \(Amount.text(sent))/s out" }
}
