import Synchronization

/// How a handshake message came that was taken out of a disguise.
package struct Arrival: Sendable {
    /// Which of the device's dialects it came in.
    package let dialect: Int
    /// Other dialects in which the very same datagram means the same, as it does in one that changes data messages only.
    package let alternatives: [Int]
    /// In which disguise a cookie reply goes to somebody who isn't known yet; nil: not at all.
    package let replyDisguise: (any Disguise)?
    /// What the codec said of the datagram's form, for ``Disguise/noticed(hint:length:)``.
    package let hint: UInt8
    /// Bytes of the datagram.
    package let length: Int

    package init(
        dialect: Int, alternatives: [Int] = [], replyDisguise: (any Disguise)?, hint: UInt8 = 0, length: Int
    ) {
        self.dialect = dialect
        self.alternatives = alternatives
        self.replyDisguise = replyDisguise
        self.hint = hint
        self.length = length
    }
}

extension Peer {
    /// Whether a message is in the dialect that the peer is spoken to in; one without an arrival came as WireGuard has it.
    func speaks(_ arrival: Arrival?) -> Bool {
        let own = dialect.load(ordering: .relaxed)
        guard let arrival else { return own == plainDialect }
        return arrival.dialect == own || arrival.alternatives.contains(own)
    }

    /// Tells the peer's disguise of an authenticated message.
    package func noticed(hint: UInt8, length: Int) {
        path.withLock { $0.disguise }?.noticed(hint: hint, length: length)
    }
}
