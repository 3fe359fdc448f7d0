package import Tunnel
package import Wire

/// Takes one disguise off what was received: one dialect under one key. Any number of threads may use it at the same time.
///
/// What isn't in this dialect is left as it was, so that another codec may try. Nothing that it is given makes it trap, and it never
/// reads beyond the datagram.
package protocol InboundCodec: AnyObject, Sendable {
    /// Which of the device's dialects it is; see ``Disguise/dialect``.
    var dialect: Int { get }

    /// In which disguise a cookie reply goes to somebody who isn't known yet; nil: not at all.
    var replyDisguise: (any Disguise)? { get }

    /// Which session a datagram belongs to, if it is a data message of this dialect; it may not be one all the same. Nil for anything
    /// else. It costs little, since it is asked for every codec when the sender's address is new.
    func receiver(of datagram: UnsafeRawBufferPointer) -> UInt32?

    /// Takes the disguise off the data messages for the session `receiver` at the start of `run`, in place, up to the first datagram
    /// that isn't one.
    ///
    /// - Parameters:
    ///   - run: whose first datagram has that ``receiver(of:)``.
    ///   - messages: room for as many as the run has datagrams.
    func reveal(
        _ run: ReceivedRun, receiver: UInt32, into messages: UnsafeMutablePointer<DataMessage>
    ) -> RevealedRun

    /// What a datagram holds that isn't a data message.
    ///
    /// - Parameters:
    ///   - output: room for ``DisguiseLimits/datagram`` bytes, to which a message or an answer is written.
    ///   - isGenuine: whether an initiation, response or cookie reply can be for us: its MAC1 is right, or its receiver index known.
    ///     Its size tells which it is, and its first four bytes are what its sender computed the MACs over. A dialect without
    ///     authentication of its own takes only what passes.
    func handshake(
        in datagram: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer, at now: Moment,
        isGenuine: (UnsafeRawBufferPointer) -> Bool
    ) -> HandshakeFinding

    /// Writes into an answer that ``handshake(in:into:at:isGenuine:)`` found to whom it goes, if the dialect has a place for that, and
    /// returns its length.
    ///
    /// - Parameters:
    ///   - answer: the same room that the answer was written to.
    ///   - length: of the answer until now.
    func complete(_ answer: UnsafeMutableRawBufferPointer, length: Int, for sender: Endpoint) -> Int
}

extension InboundCodec {
    package var replyDisguise: (any Disguise)? { nil }

    package func complete(_ answer: UnsafeMutableRawBufferPointer, length: Int, for sender: Endpoint) -> Int {
        length
    }
}

/// Datagrams that were received end to end, all but the last of equal length, which isn't longer than the others.
package struct ReceivedRun {
    package let start: UnsafeMutableRawPointer
    /// Bytes of all together.
    package let length: Int
    /// Bytes of each but the last.
    package let stride: Int

    package init(start: UnsafeMutableRawPointer, length: Int, stride: Int) {
        self.start = start
        self.length = length
        self.stride = stride
    }
}

/// A data message without its header.
package struct DataMessage {
    package let counter: UInt64
    /// Where the ciphertext begins.
    package let body: UnsafeMutableRawPointer
    /// Bytes of ciphertext and tag, at least 16.
    package let length: Int

    @inlinable
    package init(counter: UInt64, body: UnsafeMutableRawPointer, length: Int) {
        self.counter = counter
        self.body = body
        self.length = length
    }
}

/// How far ``InboundCodec/reveal(_:receiver:into:)`` came.
package struct RevealedRun: Equatable, Sendable {
    /// Datagrams that were looked at and are done with, at least 1.
    package var datagrams = 0
    /// Messages among them; the others were damaged.
    package var messages = 0
    /// What the disguise tells about the sender's, for ``Disguise/noticed(hint:length:)``.
    package var hint: UInt8 = 0

    package init(datagrams: Int = 0, messages: Int = 0, hint: UInt8 = 0) {
        self.datagrams = datagrams
        self.messages = messages
        self.hint = hint
    }
}

/// What ``InboundCodec/handshake(in:into:at:isGenuine:)`` found.
package enum HandshakeFinding: Equatable, Sendable {
    /// Nothing of this dialect.
    case none
    /// A WireGuard message of so many bytes, which tell its kind. Its first four bytes are what its sender computed the MACs over: not
    /// always WireGuard's number of the kind.
    case message(Int, hint: UInt8 = 0)
    /// Something that has to be answered with so many bytes, or as many as ``InboundCodec/complete(_:length:for:)`` then makes of them.
    case answer(Int)
    /// Something of this dialect that means nothing, such as junk.
    case ignored
    /// Something of this dialect that must not be taken.
    case refused(DropReason)
}
