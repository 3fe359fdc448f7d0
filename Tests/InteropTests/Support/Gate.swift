/// Lets a limited number of tests work at once, so that timing stays meaningful on a small machine.
actor Gate {
    /// Tests that mostly wait, some processes each.
    static let usual = Gate(width: 4)
    /// Tests that use all of the processor they can get.
    static let heavy = Gate(width: 1)

    private var free: Int
    private var waiting: [CheckedContinuation<Void, Never>] = []

    init(width: Int) {
        free = width
    }

    func enter() async {
        if free > 0 {
            free -= 1
        } else {
            await withCheckedContinuation { waiting.append($0) }
        }
    }

    func leave() {
        if waiting.isEmpty {
            free += 1
        } else {
            waiting.removeFirst().resume()
        }
    }
}

/// What a test asks of the machine.
enum Load: Sendable {
    /// Next to nothing for a long time: begins at once, beside everything else.
    case idle
    case usual
    case heavy

    var gate: Gate? {
        switch self {
        case .idle: nil
        case .usual: .usual
        case .heavy: .heavy
        }
    }
}
