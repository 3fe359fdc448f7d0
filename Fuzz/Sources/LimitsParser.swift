import Control
import Wire

/// The file that keeps totals, and dates, lengths of time and numbers of bytes as people write them: what can be read is printed and
/// read again.
///
/// An input is a byte that chooses what to read and the text.
final class LimitsParser: FuzzedParser {
    let share = 1
    let longestInput = 512

    func run(_ input: inout Input) {
        let choice = input.byte() & 3
        let bytes = Array(input.all())
        let text = String(decoding: bytes, as: UTF8.self)
        switch choice {
        case 0:
            guard let totals = Totals(bytes) else { return }
            require(Totals(totals.text) == totals, "totals are read as they are printed")
            require(
                totals.peers.values.allSatisfy { $0.quotaStart ?? 0 <= $0.total }, "a quota began before it came so far"
            )
        case 1:
            guard let time = UTCTime(text) else { return }
            require(UTCTime(time.text)?.seconds == time.seconds, "a time is read as it is printed")
            require(UTCTime(time.standardText)?.seconds == time.seconds, "a time has a standard form")
            guard let end = Expiry(text), end.time < UTCTime.latest else { return }
            require(Expiry(end.description) == end, "an end is read as it is printed")
        case 2:
            guard let term = Term(text) else { return }
            require(Term(term.description) == term, "a length of time is read as it is printed")
        default:
            guard let quantity = ByteQuantity(text) else { return }
            require(ByteQuantity(quantity.description) == quantity, "a number of bytes is read as it is printed")
        }
    }

    var samples: [[UInt8]] {
        let key = "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg="
        let totals = """
            nightjar totals 1
            drop replayed 5
            peer \(key) received=12 transmitted=34 quota-start=0 quota-since=1700000000 given-up=1
            end 2

            """
        let texts: [(UInt8, String)] = [
            (0, totals), (0, "nightjar totals 1\nend 0\n"), (1, "2026-12-31"), (1, "2026-12-31 18:30 UTC"),
            (1, "2026-12-31T18:30:05Z"), (2, "30 days"), (2, "12h"), (3, "50 GiB"), (3, "1.5TB"),
        ]
        return texts.map { [$0] + Array($1.utf8) }
    }
}
