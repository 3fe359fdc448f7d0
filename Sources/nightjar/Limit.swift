import ArgumentParser
import Control
import Glibc
import Quick
import Setup

struct Limit: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Set until when a peer may be used, or how much it may transfer.",
        discussion: """
            The limits are comments in the server's file, "# Expires = 2026-12-31" and "# Quota = 50 GiB", which other tools \
            pass over. Nightjar's own engine goes by them: who has come to the end of either is cut off at once, other peers \
            stay. Days are whole ones in UTC; a quota counts both directions. 'nightjar renew' lets a peer begin anew.
            """)

    @OptionGroup var peer: PeerArgument
    @OptionGroup var limits: LimitOptions

    func validate() throws {
        guard limits.expires != nil || limits.quota != nil else {
            throw ValidationError("Say what the limit is: --expires, --quota, or both.")
        }
    }

    func run() throws {
        try run(.limit(expires: limits.expires, quota: limits.quota), peer)
    }
}

/// Until when a peer may be used, and how much.
struct LimitOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The last day, as 2026-12-31, or a time, \"2026-12-31 18:30\", in UTC; +30d, +12h and the like from now; or never.",
            valueName: "date"))
    var expires: PeerLimits.End?

    @Option(
        help: ArgumentHelp("How much in both directions together, as 500MB or 50GiB; or none.", valueName: "size"))
    var quota: PeerLimits.Grant?
}

struct Renew: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Let a peer that is limited begin anew: nothing used, and as much time as before.",
        discussion: """
            A day that is still to come is moved on; one that has passed counts as today. A peer that was cut off is served \
            again at once.
            """)

    @OptionGroup var peer: PeerArgument

    @Option(
        name: .customLong("for"),
        help: ArgumentHelp("For how long, as 12h, 30d, 4w or 1y, if not for as long as it was.", valueName: "time"))
    var term: Term?

    func run() throws {
        try run(.renew(term), peer)
    }
}

extension ParsableCommand {
    fileprivate func run(_ limits: PeerLimits, _ peer: PeerArgument) throws {
        attempt {
            let edit = try peer.server.edit()
            let outcome = try limits.run(peer.name, edit, now: Int64(time(nil)))
            complain(
                "\(quoted(outcome.name)) \(outcome.annotation.limitSentence). \(sentence(outcome.reach, edit.interface))"
            )
        }
    }
}

extension PeerLimits.End: ExpressibleByArgument {
    public init?(argument: String) { self.init(argument) }
}

extension PeerLimits.Grant: ExpressibleByArgument {
    public init?(argument: String) { self.init(argument) }
}

extension Term: ExpressibleByArgument {
    public init?(argument: String) { self.init(argument) }
}
