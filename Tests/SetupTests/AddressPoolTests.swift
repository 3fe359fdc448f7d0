import Testing
import Wire

@testable import Setup

@Suite struct AddressPoolTests {
    private func next(_ server: [String], _ taken: [String]) throws -> [String] {
        try AddressPool(server: server.compactMap { InterfaceAddress($0) }, taken: taken.compactMap { Prefix($0) })
            .next().map { "\($0)" }
    }

    @Test func bothFamiliesGetTheSameNumber() throws {
        #expect(try next(["10.8.0.1/24", "fd08::1/64"], []) == ["10.8.0.2/32", "fd08::2/128"])
        #expect(try next(["10.8.0.1/24", "fd08::1/64"], ["fd08::2/128"]) == ["10.8.0.3/32", "fd08::3/128"])
        #expect(try next(["10.8.0.1/24", "fd08::1/64"], ["10.8.0.2/32"]) == ["10.8.0.3/32", "fd08::3/128"])
        #expect(try next(["10.8.0.254/24"], []) == ["10.8.0.1/32"])
    }

    @Test func gapsAreFilledAndNetworksSkipped() throws {
        #expect(try next(["10.8.0.1/24"], ["10.8.0.2/32", "10.8.0.4/32"]) == ["10.8.0.3/32"])
        #expect(try next(["10.8.0.1/24"], ["10.8.0.0/28"]) == ["10.8.0.16/32"])
        // A peer that is the way to everything leaves room for others in it.
        #expect(try next(["10.8.0.1/24"], ["0.0.0.0/0", "10.8.0.0/24"]) == ["10.8.0.2/32"])
    }

    @Test func differentNumbersWhenThereAreNoEqualOnes() throws {
        let taken = (1...2).map { "fd08::\($0)/128" } + (3...254).map { "10.8.0.\($0)/32" }
        #expect(try next(["10.8.0.1/24", "fd08::2/126"], taken) == ["10.8.0.2/32", "fd08::3/128"])
    }

    @Test func exhausted() {
        let full = (2...254).map { "10.8.0.\($0)/32" }
        #expect(complaint { _ = try next(["10.8.0.1/24"], full) }.contains("10.8.0.0/24 has no free address left"))
        #expect(complaint { _ = try next(["10.8.0.1/32"], []) }.contains("no room for peers"))
        #expect(complaint { _ = try next([], []) }.contains("no room for peers"))
        #expect((try? next(["10.8.0.1/31"], [])) == ["10.8.0.0/32"])
        #expect((try? next(["10.8.0.1/30"], ["10.8.0.2/32"])) == nil)
        // A second network of the same family is used once the first one is full.
        #expect((try? next(["10.8.0.1/30", "10.9.0.1/24"], ["10.8.0.2/32"])) == ["10.9.0.2/32"])
    }

    @Test func hugeNetworks() throws {
        #expect(try next(["fd00::1/8"], []) == ["fd00::2/128"])
        #expect(try next(["::1/0"], ["8000::/1"]) == ["::2/128"])
        #expect(complaint { _ = try next(["fd00::1/64"], ["fd00::/65"]) }.contains("no free address"))
    }
}
