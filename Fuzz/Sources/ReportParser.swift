import Control

/// The answer of a configuration socket to a `report`, from a program that may be hostile: read whole and in pieces with the same
/// outcome, printed and read again.
///
/// An input is an options byte and text.
final class ReportParser: FuzzedParser {
    let share = 3
    let longestInput = 4096

    private let scopes = UAPIScopes(index: { $0 == "eth0" ? 2 : nil }, name: { $0 == 2 ? "eth0" : nil })

    private enum Outcome: Equatable {
        case unfinished
        case failed(Int32)
        case report(DeviceReport)
    }

    func run(_ input: inout Input) {
        let options = input.byte()
        var limits = UAPILimits()
        if options & 1 != 0 {
            limits.lineLength = 96
            limits.peers = 3
        }
        let text = input.all()
        let outcome = read(text, in: max(1, text.count), limits)
        require(read(text, in: 1 + Int(options >> 1), limits) == outcome, "pieces are read as the whole")
        guard case .report(let report) = outcome else { return }
        let copy = ExactBuffer(UAPIResponse.report(report, interfaceName: scopes.name))
        var longer = UAPILimits()
        // What wasn't UTF-8 takes more room when it is printed.
        longer.lineLength = 1 << 16
        guard case .report(let again) = read(copy.readable, in: copy.readable.count, longer) else {
            return require(false, "a report is read as it is printed")
        }
        require(again.peers.count == report.peers.count, "no peer comes or goes on the way")
    }

    private func read(_ text: UnsafeRawBufferPointer, in size: Int, _ limits: UAPILimits) -> Outcome {
        var reader = UAPIAnswerReader<UAPIReportAnswer>(scopes: scopes, limits: limits)
        var offset = 0
        while offset < text.count {
            let piece = ExactBuffer(text[offset..<min(offset + size, text.count)])
            offset += size
            do throws(UAPIFailure) {
                if let report = try reader.read(piece.readable) { return .report(report) }
            } catch {
                return .failed(error.errno)
            }
        }
        return .unfinished
    }

    var samples: [[UInt8]] {
        let key = "b85996fecc9c7f1fc6d2572a76eda11d59bcd20be8e543b15ce4bd85a8e75a33"
        let device =
            "age=1\nup=true\nbind_failure=98\nmtu=1420\nunder_load=true\ndrop=replayed 5\nsend_failure=101 2\n"
            + "stranger=\(key) 192.0.2.1:5 6\nmisdirected=[fe80::1%eth0]:1 2\nmismatch=192.0.2.1:5 6 it is veil\n"
            + "unroutable=2001:db8::1 5\n"
        let peer =
            "public_key=\(key)\nendpoint_name=a.example:5\nannotation_name=Anna\nannotation_expires=1700000000\n"
            + "annotation_quota=5\nsuspended=expired\ninitiations_sent=1\nunanswered=1\nhandshake=1\n"
            + "refused=initiation-replayed 1 2 192.0.2.1:5\ndata_sent=1\nforeign_source=10.0.0.1\nrx_total=1\n"
        let texts = ["errno=-22\n\n", device + "errno=0\n\n", device + peer + peer + "new=1\nerrno=0\n\n"]
        return texts.flatMap { text in [0, 3, 40].map { option in [option] + Array(text.utf8) } }
    }
}
