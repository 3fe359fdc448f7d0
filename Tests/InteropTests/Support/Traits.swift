import Testing

/// The suite that all interop tests belong to, for the traits they share.
@Suite(
    .enabled(if: Engine.canMakeNamespaces, "needs root and /dev/net/tun to make network namespaces and tunnels"),
    .compactMapIssues { issue in
        // Every suite around a test handles its issues in turn; one copy of the logs is enough.
        guard let logs = LogBook.current, !issue.comments.contains(where: { $0.rawValue.hasPrefix(LogBook.heading) })
        else { return issue }
        var issue = issue
        issue.comments.append(Comment(rawValue: logs.tail()))
        return issue
    },
    .timeLimit(.minutes(10))
)
enum Interop {}

/// Marks what wireguard-go doesn't do. When it is the daemon under test, the test is known to fail, and has to.
struct BeyondReference: TestTrait, TestScoping {
    let reason: Comment

    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        guard Engine.isReferenceUnderTest else { return try await function() }
        await withKnownIssue(reason) { try await function() }
    }
}

extension Trait where Self == BeyondReference {
    static func beyondReference(_ reason: Comment) -> Self { Self(reason: reason) }
}
