import Testing

/// One thing that is broken, and what the doctor has to find first.
struct DoctorFault: Sendable, CustomTestStringConvertible {
    typealias Files = DoctorBench.Files

    let testDescription: String
    /// The code of the finding.
    let code: String
    /// Where the doctor is asked.
    var side = DoctorBench.Side.client
    /// What is wrong in the files.
    var files: @Sendable (inout Files) -> Void = { _ in }
    /// Brings the interfaces up, breaks what isn't broken yet, and sends what has to be sent.
    var act: @Sendable (DoctorBench) async throws -> Void = { try await $0.up() }
    /// A word that the finding has to have in its evidence.
    var evidence = ""

    /// All faults, whoever finds them.
    static let all = ofPeers + ofPaths + ofTunnels
}

extension Interop {
    /// A tunnel that is broken in one way, and the doctor, who has to say in which.
    @Suite(.disabled(if: Engine.isReferenceUnderTest, "wireguard-go is no doctor"))
    struct DoctorFaultTests {
        @Test(arguments: DoctorFault.all) func isFoundFirst(_ fault: DoctorFault) async throws {
            try await DoctorBench.with { bench in
                fault.files(&bench.files)
                try await fault.act(bench)
                let (diagnosis, status) = try await bench.examine(fault.side)
                let first = try #require(diagnosis.findings.first, "nothing was found")
                #expect(first.code == fault.code, "\(diagnosis.findings)")
                #expect(status == 1)
                if !fault.evidence.isEmpty {
                    let text = ([first.summary] + first.evidence).joined(separator: " ")
                    #expect(text.contains(fault.evidence), "\(text)")
                }
            }
        }
    }
}
