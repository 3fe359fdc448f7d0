package import Control

/// How a peer or an interface does, in one word, and what that is judged by.
package struct Health: Equatable, Sendable {
    package enum Word: String, CaseIterable, Sendable {
        /// A peer: connected, and nothing speaks against it. An interface: at least one of its peers is.
        case healthy
        /// Nothing is wrong, but nobody has had anything to say for a while.
        case idle
        /// It has never been connected, and either has to call or was called just now.
        case waiting
        /// It was called, or sent to, and doesn't answer.
        case silent
        /// Handshakes with it fail.
        case refused
        /// Its date has passed.
        case expired
        /// Its quota is used up.
        case overQuota = "over-quota"
        /// It is switched off in the file.
        case off
        /// It is in the file and not on the interface.
        case missing
        /// The interface is down.
        case down
        /// The interface can't work.
        case broken
    }

    package enum Cause: Equatable, Sendable {
        // Of a peer.

        /// There is a session that nothing speaks against; the age is the handshake's, as below.
        case connected(Age)
        /// The last session has ended, and none was wanted since.
        case quiet(Age)
        /// Nothing was ever sent to a peer that could be called.
        case untried
        /// It has never called, and nobody knows where it is.
        case hasToCall
        /// It was called for the first time and has a moment yet to answer.
        case called
        /// So many initiations since the last handshake are without an answer; nil: it has never had one.
        case unanswered(UInt64, last: Age?)
        /// It has been sent so many bytes without ever giving one back.
        case oneSided(UInt64)
        /// There is a session, but what is sent isn't answered any more since something was last heard.
        case fallenSilent(Age)
        /// It is kept alive by regular packets, and yet has no session.
        case notKeptAlive(Age)
        /// So many of its initiations were answered without the answer being used.
        case unconfirmed(UInt64)
        /// A handshake failed after the last one that didn't, by the name of a `DropReason`.
        case refused(String, Age)
        case suspended(PeerReport.Suspension)
        case switchedOff
        case notOnInterface

        // Of an interface.

        case peers(Tally)
        case noPeers
        case interfaceDown
        case noPrivateKey
        /// It has no sockets, for this `errno`.
        case noSockets(Int32)
    }

    /// How many of an interface's peers are how.
    package struct Tally: Equatable, Sendable {
        /// Each word that occurs, the one that people should see first in front.
        package let counts: [Count]

        package struct Count: Equatable, Sendable {
            package let word: Word
            package let count: Int
        }

        package init(_ words: some Sequence<Word>) {
            var counts: [Word: Int] = [:]
            for word in words { counts[word, default: 0] += 1 }
            self.counts = Self.order.compactMap { word in counts[word].map { Count(word: word, count: $0) } }
        }

        package subscript(word: Word) -> Int { counts.first { $0.word == word }?.count ?? 0 }

        private static let order: [Word] = [
            .healthy, .refused, .silent, .waiting, .idle, .missing, .expired, .overQuota, .off, .down, .broken,
        ]
    }

    package let cause: Cause

    package init(_ cause: Cause) {
        self.cause = cause
    }

    package var word: Word {
        switch cause {
        case .connected: .healthy
        case .quiet, .untried, .noPeers: .idle
        case .hasToCall, .called: .waiting
        case .unanswered, .oneSided, .fallenSilent, .notKeptAlive: .silent
        case .refused, .unconfirmed: .refused
        case .suspended(.expired): .expired
        case .suspended(.overQuota): .overQuota
        case .switchedOff: .off
        case .notOnInterface: .missing
        case .peers(let tally): tally.counts.first?.word ?? .idle
        case .interfaceDown: .down
        case .noPrivateKey, .noSockets: .broken
        }
    }
}

extension Health.Word {
    /// Whether somebody should look why.
    package var isTrouble: Bool {
        switch self {
        case .silent, .refused, .expired, .overQuota, .missing, .down, .broken: true
        case .healthy, .idle, .waiting, .off: false
        }
    }
}
