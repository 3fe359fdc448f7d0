package import Wire

/// What a daemon of Nightjar knows of its interface beyond what the configuration socket tells every client: what became of
/// handshakes, what was dropped and why, and since when.
///
/// Times are told as ages, so that no jump of the clock falsifies them. Nothing in it is secret.
package struct DeviceReport: Equatable, Sendable {
    /// How long the daemon has run.
    package var age = Age.zero
    /// Whether the interface is up.
    package var isUp = false
    /// Why an interface that is up has no sockets, as an `errno` value; 0 when it has them or is down.
    package var bindFailure: Int32 = 0
    /// Of the interface, in bytes.
    package var mtu = 0
    /// Whether senders of handshakes have to prove their address at the moment.
    package var isUnderLoad = false
    /// Every reason for dropping something with how often it occurred, in the order of ``DropReason``.
    package var drops: [Count] = []
    /// What earlier daemons have counted beside that, where it is kept (`--state-dir`).
    package var earlierDrops: [Count] = []
    /// The last datagram that the kernel refused to send.
    package var sendFailure: SendFailure?
    /// The last initiation whose sender is no peer here. That the key is the sender's isn't proven.
    package var stranger: Stranger?
    /// The last handshake message that was made for another public key than the interface's.
    package var misdirected: Misdirected?
    /// The last datagram that would mean something under other settings of obfuscation.
    package var mismatch: Mismatch?
    /// The last packet from this machine that no peer's allowed IPs hold; none to a multicast address or 255.255.255.255, of which
    /// every interface gets some.
    package var unroutable: Unroutable?
    /// In the order of their creation.
    package var peers: [PeerReport] = []

    package init() {}

    package struct Count: Equatable, Sendable {
        /// A ``DropReason/name``.
        package var reason: String
        package var count: UInt64

        package init(_ reason: String, _ count: UInt64) {
            self.reason = reason
            self.count = count
        }
    }

    package struct SendFailure: Equatable, Sendable {
        /// An `errno` value.
        package var code: Int32
        package var age: Age

        package init(code: Int32, age: Age) {
            self.code = code
            self.age = age
        }
    }

    package struct Stranger: Equatable, Sendable {
        package var publicKey: PublicKey
        package var endpoint: Endpoint
        package var age: Age

        package init(publicKey: PublicKey, endpoint: Endpoint, age: Age) {
            self.publicKey = publicKey
            self.endpoint = endpoint
            self.age = age
        }
    }

    package struct Misdirected: Equatable, Sendable {
        package var endpoint: Endpoint
        package var age: Age

        package init(endpoint: Endpoint, age: Age) {
            self.endpoint = endpoint
            self.age = age
        }
    }

    package struct Mismatch: Equatable, Sendable {
        /// A sentence without line ends that names the setting.
        package var finding: String
        package var endpoint: Endpoint
        package var age: Age

        package init(finding: String, endpoint: Endpoint, age: Age) {
            self.finding = finding
            self.endpoint = endpoint
            self.age = age
        }
    }

    package struct Unroutable: Equatable, Sendable {
        package var destination: IPAddress
        package var age: Age

        package init(destination: IPAddress, age: Age) {
            self.destination = destination
            self.age = age
        }
    }
}

/// How long ago something happened.
package struct Age: Comparable, Hashable, Sendable {
    package var milliseconds: UInt64

    package init(milliseconds: UInt64) {
        self.milliseconds = milliseconds
    }

    package static let zero = Self(milliseconds: 0)

    package static func < (left: Self, right: Self) -> Bool { left.milliseconds < right.milliseconds }
}
