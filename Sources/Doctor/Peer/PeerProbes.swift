package import LinuxNet
package import Wire

/// What came of trying out the peers of one interface: questions for names, packets on the way and through the tunnel.
package struct PeerProbes: Sendable {
    /// Of the peers that were tried out.
    package var peers: [PublicKey: PeerProbe] = [:]

    package init() {}

    package subscript(_ peer: PublicKey) -> PeerProbe? { peers[peer] }
}

/// What came of trying out one peer.
package struct PeerProbe: Sendable {
    /// What a name leads to.
    package enum NameAnswer: Equatable, Sendable {
        case endpoints([Endpoint])
        /// The resolver's words.
        case failure(String)
        /// There was none within some seconds.
        case tooSlow
    }

    /// What became of an initiation.
    package enum Call: Equatable, Sendable {
        case untried
        /// A session of the last two minutes has just carried packets, so there was no need for one.
        case unneeded
        /// - Parameter microseconds: from the initiation to its answer, where the daemon tells.
        case answered(microseconds: UInt64?)
        /// Nothing came back.
        case unanswered
        /// What came back can't be decrypted.
        case undecryptable
        /// It couldn't be sent, for the lack of an endpoint or a key.
        case impossible
    }

    /// What became of packets to the peer's machine outside of the tunnel.
    package struct Outside: Equatable, Sendable {
        /// To the port that WireGuard is expected on.
        package var port: PortProbe.Answer
        /// To a port that hardly anybody listens on.
        package var otherPort: PortProbe.Answer
        /// Whether the machine answers echo requests.
        package var answersEcho: Bool

        package init(port: PortProbe.Answer, otherPort: PortProbe.Answer, answersEcho: Bool) {
            self.port = port
            self.otherPort = otherPort
            self.answersEcho = answersEcho
        }
    }

    /// What became of echo requests through the tunnel.
    package enum Echo: Equatable, Sendable {
        case untried
        /// - Parameter from: the address inside that answered.
        case answered(from: IPAddress, microseconds: UInt64)
        /// Data came through the tunnel in time, but no answer to us: this machine has thrown it away, or it was something
        /// else.
        case dataOnly
        /// The peer has said that it is there, as it does after ten seconds, so packets get there and back; but it
        /// doesn't answer echo requests.
        case lifeOnly
        /// Nothing came through the tunnel.
        case nothing
    }

    /// How large packets through the tunnel can be.
    package enum Size: Equatable, Sendable {
        /// As large as the interface's MTU.
        case whole
        /// Bytes of the largest packet that came back, of which the next larger one that was tried didn't.
        case limited(Int)
    }

    /// Whether this side was told where the peer is, so that it should be there. A peer that has called from where it was
    /// may be switched off.
    package var isExpected: Bool
    package var endpoint: Endpoint?
    /// Bytes of the largest packet that is known to get there in one piece; nil when nothing is known.
    package var pathMTU: Int?
    /// The name that the endpoint was given by, and what it leads to now.
    package var name: (text: String, answer: NameAnswer)?
    package var call = Call.untried
    /// Only of a peer whose handshake came to nothing.
    package var outside: Outside?
    package var echo = Echo.untried
    package var size: Size?

    package init(isExpected: Bool, endpoint: Endpoint?) {
        self.isExpected = isExpected
        self.endpoint = endpoint
    }
}
