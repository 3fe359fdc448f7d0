/// The beginnings of some datagrams of one side of a flow: the first ones, and later ones that differ from those around.
struct HeadSample {
    /// Bytes of a datagram that are kept.
    static let width = PositionCounts.width
    /// Datagrams that are kept whatever they are.
    static let first = 512
    static let most = 1024
    /// After so many nanoseconds of silence a datagram is kept for what it may be.
    private static let silence: Int64 = 100_000_000

    struct Head {
        /// Of the whole datagram on the wire, in bytes.
        let length: Int
        let bytes: Octets
        /// Whether the head in front of it in the sample was sent directly before.
        let isNext: Bool
    }

    private(set) var heads: [Head] = []
    private var lastLength = -1
    private var lastTime: Int64 = 0
    private var skipped = false

    /// Returns whether it was kept. Nothing is kept without `hasRoom`.
    mutating func see(_ datagram: FlowDatagram, hasRoom: Bool) -> Bool {
        let isRare = datagram.length != lastLength || datagram.time - lastTime > Self.silence
        lastLength = datagram.length
        lastTime = datagram.time
        guard hasRoom, heads.count < Self.first || heads.count < Self.most && isRare else {
            skipped = true
            return false
        }
        // A copy, so that the frame around it goes.
        let bytes = Octets(datagram.head.prefix(Self.width).bytes)
        heads.append(Head(length: datagram.length, bytes: bytes, isNext: !skipped && !heads.isEmpty))
        skipped = false
        return true
    }
}
