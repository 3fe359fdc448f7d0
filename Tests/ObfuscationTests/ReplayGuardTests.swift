import Obfuscation
import Testing
import Tunnel

@Suite struct ReplayGuardTests {
    private let start = WallTime(seconds: 1_800_000_000, nanoseconds: 0)

    private func accept(_ guarded: ReplayGuard, _ token: UInt64, dated seconds: Int64, at now: Int64)
        -> ReplayGuard.Verdict
    {
        guarded.accept(
            token, dated: (start.seconds + seconds) * 1000, now: WallTime(seconds: start.seconds + now, nanoseconds: 0),
            within: 120)
    }

    @Test func takesEachOnce() {
        let guarded = ReplayGuard(floor: start.seconds * 1000)
        #expect(accept(guarded, 1, dated: 1, at: 1) == .accepted)
        #expect(accept(guarded, 1, dated: 1, at: 1) == .replayed)
        for second in stride(from: Int64(2), to: 121, by: 7) {
            #expect(accept(guarded, 1, dated: 1, at: second) == .replayed)
            #expect(accept(guarded, UInt64(second), dated: second, at: second) == .accepted)
        }
        #expect(accept(guarded, 1, dated: 1, at: 122) == .wrongTime)
    }

    @Test func refusesWhatIsOldOrFromTheFuture() {
        let guarded = ReplayGuard(floor: 0)
        #expect(accept(guarded, 1, dated: 0, at: 121) == .wrongTime)
        #expect(accept(guarded, 1, dated: 242, at: 121) == .wrongTime)
        #expect(accept(guarded, 1, dated: 1, at: 121) == .accepted)
        #expect(accept(guarded, 2, dated: .max / 1000 - start.seconds, at: 0) == .wrongTime)
    }

    @Test func afterARestartRefusesWhatTheOneBeforeTook() {
        let before = ReplayGuard(floor: start.seconds * 1000)
        #expect(accept(before, 7, dated: 10, at: 10) == .accepted)
        let after = ReplayGuard(floor: before.newest)
        #expect(accept(after, 7, dated: 10, at: 11) == .beforeStart)
        #expect(accept(after, 8, dated: 11, at: 11) == .accepted)
    }

    @Test func neverForgetsWhatCouldStillBeTaken() {
        let guarded = ReplayGuard(floor: 0)
        var tokens: [(UInt64, Int64)] = []
        for second in Int64(0)..<1500 {
            #expect(accept(guarded, UInt64(second) + 1, dated: second + second % 119, at: second) == .accepted)
            tokens.append((UInt64(second) + 1, second + second % 119))
            for (token, date) in tokens.suffix(260) {
                #expect(accept(guarded, token, dated: date, at: second) != .accepted)
            }
        }
    }
}
