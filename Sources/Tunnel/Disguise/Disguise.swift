package import NoisePrimitives
package import Wire

/// How messages to a peer look on the way. The tunnel makes plain WireGuard and leaves to this what becomes of it.
///
/// One may serve many peers, and any number of threads at the same time; each brings its own generator of random bytes. A peer without
/// one speaks plain WireGuard.
package protocol Disguise: AnyObject, Sendable {
    /// Which of the device's dialects it is: a message from a peer is only taken when it came in the dialect that the peer is spoken to
    /// in; ``plainDialect`` for messages that look like WireGuard's own.
    var dialect: Int { get }

    /// When keys are renewed, handshakes repeated and keepalives sent.
    var timing: Timing { get }

    /// Whether handshake messages carry DSCP AF41 and packets the ECN bits of what is inside.
    var marksTraffic: Bool { get }

    /// Whether a party that is under load may be told so with a cookie reply.
    var answersUnderLoad: Bool { get }

    // MARK: Data

    /// What the header of a data message looks like before ``conceal(_:random:)``.
    var headerForm: DataHeader.Form { get }

    /// How a packet lies on the wire.
    ///
    /// - Parameters:
    ///   - length: of the packet, in bytes; 0 for a keepalive.
    ///   - mtu: the interface's, in bytes, 0 when unknown.
    ///   - draw: random, the same for all packets of a batch, so that equal ones stay equal and leave as segments.
    func layout(ofPacket length: Int, mtu: Int, draw: UInt64) -> DataLayout

    /// The same for a packet that is sealed already, of `content` bytes without its tag.
    func layout(ofSealed content: Int, draw: UInt64) -> DataLayout

    /// Gives sealed data messages, which lie as ``layout(ofPacket:mtu:draw:)`` has it, their final form in place.
    func conceal(_ run: DataRun, random: inout KeystreamGenerator)

    // MARK: Handshakes

    /// What the first four bytes of an initiation or response are, as a little-endian number, when its MACs are computed, which cover
    /// them. WireGuard's own number of the kind in all dialects but those whose peers compute them otherwise.
    func messageType(of kind: Message.Kind, random: any RandomSource) -> UInt32

    /// Writes the final form of an initiation, response or cookie reply and returns its length; 0 when it can't be sent like this.
    ///
    /// The size tells which it is. It begins with what ``messageType(of:random:)`` gave, or with WireGuard's own number of the kind.
    ///
    /// - Parameter output: room for ``DisguiseLimits/datagram`` bytes.
    func encode(
        _ handshake: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer, at now: Moment,
        random: inout KeystreamGenerator
    ) -> Int

    /// Datagrams that go before an initiation, in order.
    func prelude(at now: Moment, random: inout KeystreamGenerator) -> [[UInt8]]

    // MARK: What the other side does

    /// An authenticated message came.
    ///
    /// - Parameters:
    ///   - hint: what the codec that took it off said of its form.
    ///   - length: of the datagram, in bytes.
    func noticed(hint: UInt8, length: Int)

    /// The other side is at another address from now on.
    func moved()
}

/// The number of WireGuard's own form among a device's dialects.
package var plainDialect: Int { 0 }

extension Disguise {
    package var timing: Timing { .standard }
    package var marksTraffic: Bool { false }
    package var answersUnderLoad: Bool { true }
    package var headerForm: DataHeader.Form { .whole }

    package func layout(ofPacket length: Int, mtu: Int, draw: UInt64) -> DataLayout {
        layout(ofSealed: paddedLength(length, mtu: mtu), draw: draw)
    }

    package func layout(ofSealed content: Int, draw: UInt64) -> DataLayout {
        DataLayout(prefix: Message.Data.headerSize, content: content, suffix: 0)
    }

    package func messageType(of kind: Message.Kind, random: any RandomSource) -> UInt32 { kind.rawValue }
    package func prelude(at now: Moment, random: inout KeystreamGenerator) -> [[UInt8]] { [] }
    package func noticed(hint: UInt8, length: Int) {}
    package func moved() {}
}

package enum DisguiseLimits {
    /// The most bytes that a handshake message has in any dialect.
    package static let datagram = 1500
    /// The most bytes of one datagram's layout that aren't ciphertext or tag.
    package static let overhead = 2048
}
