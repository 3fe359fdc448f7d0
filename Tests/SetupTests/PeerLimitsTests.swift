import Control
import Foundation
import Quick
import Testing
import Tunnel
import Wire

@testable import Setup

@Suite struct PeerLimitsTests {
    /// 2026-11-23 10:20:30 UTC
    private let now: Int64 = 1_795_429_230

    private func limit(_ expires: String?, _ quota: String? = nil) throws -> PeerLimits {
        .limit(
            expires: try expires.map { try #require(PeerLimits.End($0)) },
            quota: try quota.map { try #require(PeerLimits.Grant($0)) })
    }

    /// The comments of bob that are about limits.
    private func comments(_ desk: Desk, days: Int64 = 0, _ limits: PeerLimits...) throws -> [String] {
        for limits in limits { _ = try limits.run("bob", desk.edit(), now: now + days * 86_400) }
        let text = desk.text()
        return text.split(separator: "\n").map(String.init).filter { line in
            ["# Expires", "# Term", "# Quota"].contains { line.hasPrefix($0) }
        }
    }

    @Test func limitsAreComments() throws {
        let desk = try Desk()
        try desk.write(Desk.server)
        #expect(
            try comments(desk, limit("+30d", "50GiB")) == [
                "# Expires = 2026-12-23", "# Term = 30 days", "# Quota = 50 GiB",
                "# QuotaSince = 2026-11-23 10:20:30 UTC",
            ])
        #expect(desk.text().contains("# Name = bob\n# Expires = 2026-12-23\n"))
        let stock = try ConfigurationFile(parsing: desk.bytes(), name: "", dialect: .quick)
        #expect(stock.peers.count == 1)
        // Another quota is counted on from what is used; another date leaves it alone.
        #expect(
            try comments(desk, days: 2, limit("2027-01-31", "500 MB")) == [
                "# Expires = 2027-01-31", "# Term = 67 days", "# Quota = 500 MB",
                "# QuotaSince = 2026-11-23 10:20:30 UTC",
            ])
        #expect(
            try comments(desk, limit("+12h")).first == "# Expires = 2026-11-23 22:21 UTC")
        #expect(
            try comments(desk, limit("2026-11-25 08:00", "none")) == [
                "# Expires = 2026-11-25 08:00 UTC", "# Term = 46 hours",
            ])
        #expect(try comments(desk, limit("never")).isEmpty)
        #expect(desk.text() == Desk.server)
    }

    @Test func renewalMovesOnAndBeginsAnew() throws {
        let desk = try Desk()
        try desk.write(Desk.server)
        _ = try comments(desk, limit("+30d", "50GiB"))
        // While it lasts, nothing of it is lost.
        #expect(
            try comments(desk, days: 10, .renew(nil)) == [
                "# Expires = 2027-01-22", "# Term = 30 days", "# Quota = 50 GiB",
                "# QuotaSince = 2026-12-03 10:20:30 UTC",
            ])
        // Once it has passed, it counts from then.
        #expect(try comments(desk, days: 365, .renew(nil)).first == "# Expires = 2027-12-23")
        #expect(
            try comments(desk, days: 365, .renew(Term("1w"))).prefix(2) == [
                "# Expires = 2027-12-30", "# Term = 7 days",
            ])
        #expect(
            try comments(desk, days: 400, .renew(Term("12h"))).prefix(2) == [
                "# Expires = 2027-12-31 12:00 UTC", "# Term = 12 hours",
            ])
        _ = try comments(desk, limit("never"))
        #expect(
            try comments(desk, days: 1, .renew(nil)) == ["# Quota = 50 GiB", "# QuotaSince = 2026-11-24 10:20:30 UTC"])
    }

    @Test func aPeerThatIsSwitchedOffCanBeLimited() throws {
        let desk = try Desk()
        try desk.write(Desk.server)
        try desk.change(.disable, "bob")
        let before = desk.text()
        _ = try limit("+1d").run("bob", desk.edit(), now: now)
        #expect(
            desk.text().contains(
                "#[disabled] # Name = bob\n#[disabled] # Expires = 2026-11-24\n#[disabled] # Term = 1 day\n"))
        _ = try limit("never").run("bob", desk.edit(), now: now)
        #expect(desk.text() == before)
    }

    @Test func aNewPeerIsLimited() throws {
        let desk = try Desk()
        try desk.write(Desk.server)
        try desk.add("guest") { peer in
            peer.expires = .after(Term(hours: 7 * 24))
            peer.quota = .bytes(ByteQuantity(bytes: 1 << 30))
        }
        let comments = """
            # Name = guest
            # Expires = 2026-11-30
            # Term = 7 days
            # Quota = 1 GiB
            # QuotaSince = 2026-11-23 10:20:30 UTC
            PublicKey
            """
        #expect(desk.text().contains(comments))
    }

    @Test func refusals() throws {
        let desk = try Desk()
        try desk.write(Desk.server)
        func refused(_ limits: PeerLimits, _ words: String, _ peer: String = "bob") {
            let text = desk.text()
            let sentence = complaint { _ = try limits.run(peer, desk.edit(), now: now) }
            #expect(sentence.contains(words), "\(sentence)")
            #expect(desk.text() == text)
        }
        refused(try limit("2026-11-22"), "2026-11-22 has passed")
        refused(try limit("2026-11-23 10:20"), "has passed")
        refused(.renew(nil), "has no limits that could be renewed")
        refused(.renew(Term("1d")), "has no date that --for could move on")
        refused(.renew(nil), "no peer called", "alice")
        try desk.write(
            Desk.server.replacingOccurrences(of: "# Name = bob", with: "# Name = bob\n# Expires = 2027-01-01"))
        refused(.renew(nil), "--for 30d")
        try desk.write(Desk.server.replacingOccurrences(of: "# Name = bob", with: "# Name = bob\n# Expires = never"))
        refused(.renew(nil), "the comment \"Expires\" of \"bob\" has the value \"never\"")
        for text in ["", "+", "30d", "+30", "soon", "+0d", "2026-11-31"] { #expect(PeerLimits.End(text) == nil) }
        for text in ["", "0", "-5 GiB", "never"] { #expect(PeerLimits.Grant(text) == nil) }
    }

    @Test func theListShowsLimits() throws {
        let desk = try Desk()
        try desk.write(Desk.server)
        try desk.add("laptop")
        func list(_ report: DeviceReport? = nil, days: Int64 = 0) throws -> PeerList {
            let (location, text) = try ConfigurationEdit.read("wgtest", desk.surroundings)
            return PeerList(text, interface: location.interface, report: report, now: now + days * 86_400)
        }
        func rows(_ report: DeviceReport? = nil, days: Int64 = 0) throws -> [String] {
            try list(report, days: days).table.split(separator: "\n").map(String.init)
        }
        #expect(try rows()[0].split(separator: " ") == ["NAME", "STATE", "KEY", "ADDRESSES"])
        _ = try limit("+30d", "50GiB").run("bob", desk.edit(), now: now)
        var all = try rows()
        #expect(all[0].split(separator: " ") == ["NAME", "STATE", "KEY", "LIMITS", "ADDRESSES"])
        #expect(all[1].contains("until 2026-12-23, 50 GiB"))
        #expect(try rows(days: 30)[1].contains(" on "))
        #expect(try rows(days: 31)[1].contains(" expired "))

        let key = try #require(try desk.edit().text.peers[0].section?.publicKey)
        var peer = PeerReport(key)
        peer.quotaUsed = (50 << 30) + 5
        peer.suspension = .overQuota
        var report = DeviceReport()
        report.peers = [peer]
        all = try rows(report)
        #expect(all[1].contains(" used up ") && all[1].contains("until 2026-12-23, 50 GiB of 50 GiB"))
        #expect(all[2].contains(" on "))
        let json = try JSONSerialization.jsonObject(with: Data(try list(report).json.utf8))
        let entry = try #require((json as? [[String: Any]])?.first)
        #expect(entry["expires"] as? String == "2026-12-24T00:00:00Z")
        #expect(entry["quota"] as? Int == 50 << 30)
        #expect(entry["quotaUsed"] as? Int == (50 << 30) + 5)
        #expect(entry["suspended"] as? String == "over-quota")
    }
}
