import Glibc
import NoisePrimitives
import TestKit
import Testing
import Tunnel
import Wire

@testable import Control

/// Values of the comments by which peers are named and limited.
@Suite("Names and limits of peers")
struct AnnotationTests {
    @Test("Every day is the C library's day, and its text means it again")
    func calendar() {
        let random = SeededRandom(seed: 42)
        let last = UTCTime.latest / UTCTime.day
        let days = Array(0..<3000) + (0..<3000).map { _ in Int64(random.below(UInt64(last))) } + [last]
        for day in days {
            var seconds = Int(day * UTCTime.day)
            var fields = tm()
            gmtime_r(&seconds, &fields)
            var text = [CChar](repeating: 0, count: 32)
            let length = strftime(&text, text.count, "%Y-%m-%d", &fields)
            let date = String(decoding: text[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
            #expect(UTCTime(Int64(seconds)).dateText == date)
            #expect(UTCTime(date)?.seconds == Int64(seconds))
            #expect(Expiry(date)?.time == min(Int64(seconds) + UTCTime.day, UTCTime.latest))
            #expect(day == last || Expiry(time: Int64(seconds) + UTCTime.day).description == date)
        }
    }

    @Test(
        "Times of a day",
        arguments: [
            ("2026-12-31 18:30", 1_798_741_800, "2026-12-31 18:30 UTC"),
            ("2026-12-31T18:30:05Z", 1_798_741_805, "2026-12-31 18:30:05 UTC"),
            ("2026-12-31 18:30 UTC", 1_798_741_800, "2026-12-31 18:30 UTC"),
            ("1970-01-01 00:00:01", 1, "1970-01-01 00:00:01 UTC"),
            ("2024-02-29 00:00", 1_709_164_800, "2024-02-28"),
        ])
    func times(_ text: String, _ seconds: Int64, _ shown: String) throws {
        let expiry = try #require(Expiry(text))
        #expect(expiry.time == seconds)
        #expect(expiry.description == shown)
        #expect(Expiry(shown) == expiry)
    }

    @Test(
        "What is no date",
        arguments: [
            "", "-", "2026", "2026-13-01", "2026-00-01", "2026-02-29", "2026-12-32", "2026-12-31 ", "26-12-31",
            "31.12.2026",
            "2026-12-31 24:00", "2026-12-31 18:60", "2026-12-31 18:30:60", "2026-12-31 18:30:00.5", "2026-12-31Z",
            "1969-12-31",
            "2026-12-31 18:30 CET", "２０２６-12-31", "2026-12-31T18:30:00+01:00", "20261231", "2026-12-31 18:30ZUTC",
            "UTC", "Z",
            "99999-01-01", "2026-1-1",
        ])
    func noDates(_ text: String) {
        #expect(UTCTime(text) == nil)
    }

    @Test("Lengths of time")
    func terms() {
        let good: [(String, Int64, String)] = [
            ("30d", 720, "30 days"), ("30 days", 720, "30 days"), ("1 day", 24, "1 day"), ("12h", 12, "12 hours"),
            ("4w", 672, "28 days"), ("1y", 8760, "365 days"), ("36 Hours", 36, "36 hours"), ("1h", 1, "1 hour"),
        ]
        for (text, hours, shown) in good {
            #expect(Term(text)?.hours == hours, "\(text)")
            #expect(Term(text)?.description == shown)
            #expect(Term(shown) == Term(text))
        }
        for text in ["", "d", "0d", "-1d", "+1d", "1", "1m", "1.5d", "99999999d", "9999999y", "1 d d", "١d"] {
            #expect(Term(text) == nil, "\(text)")
        }
    }

    @Test("Numbers of bytes")
    func quantities() {
        let good: [(String, UInt64, String)] = [
            ("50 GiB", 50 << 30, "50 GiB"), ("50GiB", 50 << 30, "50 GiB"), ("50g", 50 << 30, "50 GiB"),
            ("500 MB", 500_000_000, "500 MB"), ("1.5TiB", 3 << 39, "1536 GiB"), ("1500", 1500, "1500 B"),
            ("1 kB", 1000, "1 kB"), ("1k", 1024, "1 KiB"), ("0.25 GiB", 1 << 28, "256 MiB"),
            ("1024 PiB", 1 << 60, "1024 PiB"),
            ("1TB", 1_000_000_000_000, "1 TB"),
        ]
        for (text, bytes, shown) in good {
            #expect(ByteQuantity(text)?.bytes == bytes, "\(text)")
            #expect(ByteQuantity(text)?.description == shown)
            #expect(ByteQuantity(shown) == ByteQuantity(text))
        }
        let bad = [
            "", "0", "0 GiB", "GiB", "-1 GiB", "1,5 GiB", "1.5.5G", ".5G", "1.2345 G", "50 Gib/s", "1025 PiB",
            "99999999999999999999",
            "18446744073709551616", "999999999999999999 PiB", "1e3", "5 %", "५ GiB",
        ]
        for text in bad { #expect(ByteQuantity(text) == nil, "\(text)") }
        let random = SeededRandom(seed: 3)
        for _ in 0..<2000 {
            let quantity = ByteQuantity(bytes: random.uint64() >> (4 + random.below(60)))
            #expect(ByteQuantity(quantity.description) == quantity)
        }
        let rounded: [(UInt64, String, String)] = [
            (0, "0 B", "0 B"), (999, "999 B", "999 B"), (1023, "1023 B", "1.0 kB"), (1536, "1.5 KiB", "1.5 kB"),
            (10 << 20, "10 MiB", "10 MB"), (3 << 30, "3.0 GiB", "3.2 GB"), (.max, "16383 PiB", "18446 PB"),
            ((1 << 30) - 1, "1023 MiB", "1.0 GB"),
        ]
        for (bytes, binary, decimal) in rounded {
            #expect(ByteQuantity.rounded(bytes, inThousands: false) == binary)
            #expect(ByteQuantity.rounded(bytes, inThousands: true) == decimal)
        }
        #expect(ByteQuantity("200 MB")?.share(200_047_792) == "200 MB of 200 MB")
        #expect(ByteQuantity("50 GiB")?.share(3 << 30) == "3.0 GiB of 50 GiB")
        #expect(ByteQuantity("1500")?.share(1024) == "1.0 KiB of 1500 B")
    }

    private static let file = """
        [Interface]
        PrivateKey = YAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=

        [Peer]
        # Name = laptop
        # Expires = 2026-12-31
        # Quota = 50 GiB
        # QuotaSince = 2026-11-01 10:00 UTC
        PublicKey = xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=
        AllowedIPs = 10.8.0.2/32

        #[disabled] [Peer]
        #[disabled] # Name = phone
        #[disabled] # Quota = 1 GiB
        #[disabled] PublicKey = TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0=
        #[disabled] AllowedIPs = 10.8.0.3/32

        # Expires = tomorrow
        ## Quota = 3 GiB
        [Peer]
        PublicKey = gN65BkIKy1eCE9pP1wdc8ROUtkHLF2PfAqYdyYBz6EA=
        # friendly_name = office
        # Quota = 3 GiB
        # Quota = 4 GiB
        AllowedIPs = 10.8.0.4/32
        """

    @Test("What a file says of its peers")
    func annotations() throws {
        let bytes = Array(Self.file.utf8)
        let text = try ConfigurationText(bytes, name: "wg0.conf")
        let annotations = PeerAnnotations(text.layout, text.configuration, name: "wg0.conf")
        #expect(annotations.peers.map(\.annotation.name) == ["laptop", "office"])
        #expect(annotations.peers.map(\.key) == text.configuration.peers.map(\.publicKey))
        let laptop = try #require(annotations.peers.first).annotation
        #expect(laptop.expires == UTCTime("2027-01-01")?.seconds)
        #expect(laptop.quota == 50 << 30)
        #expect(laptop.quotaSince == UTCTime("2026-11-01 10:00")?.seconds)
        #expect(annotations.peers[1].annotation.expires == nil)
        #expect(annotations.peers[1].annotation.quota == 3 << 30)
        #expect(
            annotations.warnings == [
                "wg0.conf:18: the comment \"Expires\" has the value \"tomorrow\", which is not a day or a time in UTC, as "
                    + "2026-12-31 or 2026-12-31 18:30, so this peer does not expire"
            ])
        #expect(text.annotation(of: text.peers[1]).quota == 1 << 30)
    }

    @Test("Comments are set, replaced and taken away, and no other byte changes", arguments: ["\n", "\r\n"])
    func edits(_ lineEnd: String) throws {
        func text(_ string: String) throws -> ConfigurationText {
            let string = string.replacing("\n", with: lineEnd)
            return try ConfigurationText(Array(string.utf8), name: "")
        }
        func string(_ bytes: [UInt8]) -> String {
            String(decoding: bytes, as: UTF8.self).replacing(lineEnd, with: "\n")
        }

        let before = try text(Self.file)
        #expect(
            string(before.setting([(.expires, "2027-01-31"), (.quota, nil), (.quotaSince, nil)], of: before.peers[0]))
                == Self.file.replacing("2026-12-31", with: "2027-01-31").replacing(
                    "# Quota = 50 GiB\n# QuotaSince = 2026-11-01 10:00 UTC\n", with: ""))
        #expect(
            string(before.setting([(.expires, "2027-01-31"), (.term, "30 days")], of: before.peers[1]))
                == Self.file.replacing(
                    "# Name = phone\n",
                    with: "# Name = phone\n#[disabled] # Expires = 2027-01-31\n#[disabled] # Term = 30 days\n"))
        #expect(
            string(before.setting([(.quota, "5 GiB"), (.quotaSince, "2026-11-23 10:00 UTC")], of: before.peers[2]))
                == Self.file.replacing(
                    "office\n# Quota = 3 GiB\n# Quota = 4 GiB\n",
                    with: "office\n# QuotaSince = 2026-11-23 10:00 UTC\n# Quota = 5 GiB\n"))
        // A heading at the end of a file that has no line end.
        let bare = "[Interface]\n\n[Peer]\nPublicKey = gN65BkIKy1eCE9pP1wdc8ROUtkHLF2PfAqYdyYBz6EA=\n# Name = x"
        let last = try text(bare)
        #expect(string(last.setting([(.quota, "5 GiB")], of: last.peers[0])) == bare + "\n# Quota = 5 GiB")
    }
}
