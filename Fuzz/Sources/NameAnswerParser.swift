import Wire

/// What name servers answer.
///
/// An input is a byte that chooses the type of address that is asked for, and what comes back.
final class NameAnswerParser: FuzzedParser {
    let share = 2
    let longestInput = 512

    private let name = "home.example.org"

    func run(_ input: inout Input) {
        let type: NameMessage.RecordType = input.byte() & 1 == 0 ? .a : .aaaa
        guard let question = NameMessage.question(name, type, number: 0x0102) else {
            return require(false, "a name can be asked for")
        }
        let answer = Array(input.all())
        guard let addresses = NameMessage.addresses(in: answer, to: question) else { return }
        require(addresses.allSatisfy { $0.isIPv6 == (type == .aaaa) }, "addresses are of the type that was asked for")
        require(addresses.count * 15 <= answer.count, "an address has a record")
    }

    var samples: [[UInt8]] {
        NameMessage.RecordType.allCases.flatMap { type -> [[UInt8]] in
            let question = NameMessage.question(name, type, number: 0x0102) ?? []
            let size: UInt8 = type == .a ? 4 : 16
            let tail = [UInt8(truncatingIfNeeded: type.rawValue), 0, 1, 0, 0, 0, 60, 0, size] + [UInt8](1...size)
            let record: [UInt8] = [0xc0, 12, 0] + tail
            let alias: [UInt8] = [0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 60, 0, 4, 1, 97, 0xc0, 12]
            let answers: [(UInt8, UInt8, [UInt8])] = [
                (0x80, 2, alias + record), (0x80, 1, record), (0x83, 0, []), (0x82, 0, []),
            ]
            return answers.map { code, count, rest in
                var answer = question
                answer[2] = 0x81
                answer[3] = code
                answer[7] = count
                return [type == .a ? 0 : 1] + answer + rest
            }
        }
    }
}
