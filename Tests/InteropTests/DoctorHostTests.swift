import Foundation
import Glibc
import Testing

extension Interop {
    /// Faults of machines and configurations, each broken for real, and set-ups in which there is none.
    @Suite(.disabled(if: Engine.isReferenceUnderTest, "wireguard-go is no doctor"))
    struct DoctorHostTests {
        struct Case: Sendable, CustomTestStringConvertible {
            let code: String
            let fault: String
            /// Breaks something, and returns what the doctor says of it.
            let examine: @Sendable (Clinic) async throws -> Clinic.Diagnosis

            init(
                _ code: String, _ fault: String,
                _ examine: @escaping @Sendable (Clinic) async throws -> Clinic.Diagnosis
            ) {
                self.code = code
                self.fault = fault
                self.examine = examine
            }

            var testDescription: String { "\(code): \(fault)" }
        }

        @Test(arguments: machine + files + interfaces + ways + beyond)
        func theFaultIsTheFirstFinding(_ fault: Case) async throws {
            try await Clinic.with { clinic in
                let diagnosis = try await fault.examine(clinic)
                #expect(diagnosis.codes.first == fault.code, "\(fault.fault): \(diagnosis.text)")
                #expect(diagnosis.status == 1)
            }
        }

        @Test(arguments: healthySetUps)
        func healthySetUpsHaveNoFinding(_ setUp: Case) async throws {
            try await Clinic.with { clinic in
                let diagnosis = try await setUp.examine(clinic)
                #expect(diagnosis.codes == [] && diagnosis.status == 0, "\(setUp.fault): \(diagnosis.text)")
            }
        }

        /// What the doctor looks at stays as it is, and what it says is fit for people.
        @Test func itChangesNothing() async throws {
            try await Clinic.with { clinic in
                try await clinic.start()
                let script = """
                    ip addr | grep -v valid_lft; ip rule; ip route show table all; ip -6 route show table all | grep -v expires
                    nft list ruleset; find /etc/wireguard /run | sort; cat /etc/wireguard/wg0.conf; cat /proc/sys/net/ipv4/ip_forward
                    """
                let before = try await clinic.server.run(["sh", "-c", script]).output
                _ = try await clinic.examine(clinic.server)
                #expect(try await clinic.server.run(["sh", "-c", script]).output == before)

                try await clinic.server.run("sysctl -qw net.ipv4.ip_forward=0")
                let text = try await clinic.server.run([try Engine.nightjar.executable(), "doctor"], mayFail: true)
                #expect(text.status == 1)
                #expect(text.output.hasPrefix("FAILURE forwarding-off-ipv4 (wg0)\n"))
                #expect(text.output.split(separator: "\n").allSatisfy { $0.count <= 80 }, "\(text.output)")
                for secret in [Clinic.serverKey, Clinic.clientKey] { #expect(!text.output.contains(secret)) }
                let more = try await clinic.server.run([
                    try Engine.nightjar.executable(), "explain", "forwarding-off-ipv4",
                ])
                #expect(more.output.contains("# Forwarding = nat"))
                #expect(
                    try await clinic.server.run([try Engine.nightjar.executable(), "explain", "x"], mayFail: true)
                        .status == 1)
            }
        }

        @Test func whatItCannotTell() async throws {
            try await Clinic.with { clinic in
                #expect(try await clinic.examine(clinic.server, nil).status == 2)
                #expect(try await clinic.examine(clinic.server, "wg7").status == 2)
                try await clinic.configure()
                let user = try await clinic.examine(clinic.server, by: ["setpriv", "--reuid=65534", "--clear-groups"])
                #expect(user.status == 2 && user.text.contains("sudo nightjar doctor wg0"), "\(user.text)")
            }
        }
    }
}
