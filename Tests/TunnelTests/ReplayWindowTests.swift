import NoisePrimitives
import TestKit
import Testing
import Tunnel

@Suite("Replay window")
struct ReplayWindowTests {
    @Test("The kernel's self-test: each counter in order, and whether it is accepted")
    func kernelSelfTest() {
        let (limit, over) = (ReplayWindow.size + 1, Limits.rejectAfterMessages)
        let steps: [(counter: UInt64, isAccepted: Bool)] = [
            (0, true), (1, true), (1, false), (9, true), (8, true), (7, true), (7, false), (limit, true),
            (limit - 1, true), (limit - 1, false), (limit - 2, true), (2, true), (2, false), (limit + 16, true),
            (3, false), (limit + 16, false), (limit * 4, true), (limit * 4 - (limit - 1), true), (10, false),
            (limit * 4 - limit, false), (limit * 4 - (limit + 1), false), (limit * 4 - (limit - 2), true),
            (limit * 4 + 1 - limit, false), (0, false), (over, false), (over - 1, true), (over, false),
            (over - 1, false), (over - 2, true), (over + 1, false), (over + 2, false), (over - 2, false),
            (over - 3, true), (0, false),
        ]
        var window = ReplayWindow()
        for (position, step) in steps.enumerated() {
            let isAccepted = window.accept(step.counter)
            #expect(isAccepted == step.isAccepted, "step \(position), counter \(step.counter)")
        }
    }

    @Test("The whole window may come backwards, and not one more", arguments: [0, 1, 2] as [UInt64])
    func backwards(lowest: UInt64) {
        var window = ReplayWindow()
        var accepted: [UInt64] = []
        for counter in (0...lowest + ReplayWindow.size).reversed() where window.accept(counter) {
            accepted.append(counter)
        }
        #expect(accepted == (lowest...lowest + ReplayWindow.size).reversed())
        let again = accepted.filter { window.accept($0) }
        #expect(again.isEmpty)
    }

    @Test("200 000 seeded counters against a set")
    func againstModel() {
        let random = SeededRandom(seed: 8128)
        var window = ReplayWindow()
        var accepted: Set<UInt64> = []
        var highest: UInt64 = 0
        var disagreements = 0
        for step in 0..<200_000 {
            let distance = random.below(random.chance(0.5) ? 50 : 9000)
            let jump: UInt64 = random.chance(0.001) ? random.below(100_000) : 0
            let counter = random.chance(0.6) ? highest + random.below(4) + jump : highest - min(highest, distance)
            let isNew = counter + ReplayWindow.size >= highest && !accepted.contains(counter)
            if isNew {
                accepted.insert(counter)
                highest = max(highest, counter)
            }
            if window.accept(counter) != isNew { disagreements += 1 }
            if step.isMultiple(of: 20_000) { accepted = accepted.filter { $0 + 10_000 > highest } }
        }
        #expect(disagreements == 0)
    }
}
