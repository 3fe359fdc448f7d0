/// Who of a flow: the client is who began, as far as the capture tells.
package enum Side: Int, Codable, Hashable, Sendable, CaseIterable {
    case client, server

    var other: Side { self == .client ? .server : .client }
    var name: String { self == .client ? "client" : "server" }
}

/// A datagram as the rules look at it.
struct FlowDatagram {
    let side: Side
    /// Nanoseconds since 1970.
    let time: Int64
    /// Bytes on the wire.
    let length: Int
    /// As much of it as was captured.
    let head: Octets
    /// The first four bytes, or fewer.
    let word: [UInt8]

    init(side: Side, time: Int64, length: Int, head: Octets) {
        self.side = side
        self.time = time
        self.length = length
        self.head = head
        word = head.prefix(4).bytes
    }
}
