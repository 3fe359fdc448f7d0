import Glibc
package import Tunnel
package import Wire

/// One operation as a client of the configuration socket asked for it. UAPI Part 1.
package enum UAPIRequest: Sendable {
    /// Asks for the device's configuration and state.
    case get
    /// Asks how many packets were dropped, by reason. An addition of Nightjar's to the interface.
    case drops
    /// Asks for the names that peers' endpoints were given by. An addition of Nightjar's to the interface.
    case endpointNames
    /// Asks for a ``DeviceReport``. An addition of Nightjar's to the interface.
    case report
    /// Asks for an initiation to a peer now. An addition of Nightjar's to the interface.
    case initiate(PublicKey)
    /// A change that was read to its end and is valid in itself.
    case set(DeviceChange)
    /// Something that gets an error as its answer. What follows it on the connection is a new operation.
    case refused(UAPIFailure)
    /// Nothing more can be read from this connection: it is closed, after an answer if there is a failure.
    case unreadable(UAPIFailure?)
}

/// Why an operation fails: a positive errno, which goes to the client negated.
package struct UAPIFailure: Error, Equatable {
    package let errno: Int32
    /// What a person who looks into the log is to know; without keys.
    package let sentence: String?

    package init(errno: Int32, sentence: String? = nil) {
        self.errno = errno
        self.sentence = sentence
    }

    /// An unknown key, a key in the wrong place, or a value that the key doesn't take.
    package static let invalid = UAPIFailure(errno: EINVAL)
    /// A line that isn't `key=value`, or is too long.
    package static let malformed = UAPIFailure(errno: EPROTO)
    /// More peers or allowed IPs than one `set` may hold.
    package static let tooMany = UAPIFailure(errno: E2BIG)
}

/// How much of a request is held at most.
package struct UAPILimits: Sendable {
    /// Bytes in a line, without its end. A longer one makes the connection unreadable.
    package var lineLength = 4096
    /// Peer sections in one `set`.
    package var peers = 1 << 20
    /// Allowed IPs in one `set`, over all peers.
    package var allowedIPs = 1 << 22

    package init() {}
}
