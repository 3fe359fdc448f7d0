import Tunnel
import Wire

/// Totals as the text of a file: a line for each peer and drop reason, between one that says what it is and one that says that it is
/// whole.
///
///     nightjar totals 1
///     drop wrong-mac1 3
///     peer xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg= received=1200 transmitted=900
///     end 2
extension Totals {
    private static let heading: StaticString = "nightjar totals 1"
    /// More drop reasons than there are.
    private static let mostDrops = 1000

    package var text: [UInt8] {
        var output = UAPIWriter(capacity: 64 + 48 * drops.count + 224 * peers.count)
        output.append(Self.heading)
        output.append("\n")
        for (reason, count) in drops {
            output.append("drop ")
            output.append(reason)
            output.append(" ")
            output.append(count)
            output.append("\n")
        }
        for (key, record) in peers {
            output.append("peer ")
            output.append(key.base64)
            for field in PeerRecord.Field.allCases {
                guard let number = record[field], number != 0 || field == .quotaStart else { continue }
                output.append(" ")
                output.append(field.rawValue)
                output.append("=")
                output.append(number)
            }
            output.append("\n")
        }
        output.append("end ")
        output.append(UInt64(drops.count + peers.count))
        output.append("\n")
        return output.bytes
    }

    /// Nil for what isn't such a text as a whole. Numbers with names that aren't known are passed over.
    package init?(_ text: [UInt8]) {
        var lines = text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)[...]
        guard lines.popLast()?.isEmpty == true, let last = lines.popLast(),
            let first = lines.popFirst(), first.elementsEqual("\(Self.heading)".utf8),
            last.elementsEqual("end \(lines.count)".utf8)
        else { return nil }
        peers.reserveCapacity(lines.count)
        for line in lines {
            let fields = line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
            guard fields.count >= 2 else { return nil }
            if fields[0].elementsEqual("peer".utf8) {
                guard let key = Base64.decode(fields[1]).map({ PublicKey($0) }),
                    let record = Self.record(fields.dropFirst(2)), peers.updateValue(record, forKey: key) == nil
                else { return nil }
            } else if fields[0].elementsEqual("drop".utf8) {
                guard fields.count == 3, let count = Self.number(fields[2]), drops.count < Self.mostDrops else {
                    return nil
                }
                drops[String(decoding: fields[1], as: UTF8.self)] = count
            } else {
                return nil
            }
        }
    }

    private static func record(_ fields: ArraySlice<ArraySlice<UInt8>>) -> PeerRecord? {
        var record = PeerRecord()
        for field in fields {
            guard let equals = field.firstIndex(of: UInt8(ascii: "=")),
                let number = number(field[field.index(after: equals)...])
            else { return nil }
            let name = field[..<equals]
            guard let known = PeerRecord.Field.allCases.first(where: { name.elementsEqual($0.rawValue.utf8) }) else {
                continue
            }
            record[known] = number
        }
        // What began later than it came to has never been so.
        if let start = record.quotaStart, start > record.total { return nil }
        return record
    }

    /// At most 2^62, so that sums of some don't overflow.
    private static func number(_ text: ArraySlice<UInt8>) -> UInt64? {
        text.withUnsafeBytes { UAPIValue.counter($0) }.flatMap { $0 <= 1 << 62 ? $0 : nil }
    }
}
