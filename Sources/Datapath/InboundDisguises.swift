import LinuxNet
import Obfuscation
import Tunnel
import Wire

/// What a receiving lane needs for datagrams in disguise. Belongs to the lane's thread.
final class InboundDisguises {
    /// Bytes of the shortest data message: a compact header and a tag.
    static let leastDatagram = 25
    /// Data messages that a received message may have.
    private static let capacity = ReceiveBatch.bufferSize / leastDatagram

    let table: DialectTable
    var memory = CodecMemory()
    /// What ``reveal(_:of:in:)`` found.
    let messages: UnsafeMutablePointer<DataMessage>
    /// What a handshake message is taken out into.
    let output: UnsafeMutableRawBufferPointer

    init(_ table: DialectTable) {
        self.table = table
        messages = .allocate(capacity: Self.capacity)
        output = .allocate(byteCount: DisguiseLimits.datagram, alignment: 16)
    }

    deinit {
        // Safe: what was stored is trivial.
        messages.deallocate()
        output.deallocate()
    }

    /// The codec of what came from `source` before, or of the server there.
    func known(at source: Endpoint) -> (any InboundCodec)? {
        memory.codec(for: source) ?? table.server(at: source)
    }

    /// Takes the disguise off the data messages at the start of a run, as many as there is room for.
    func reveal(_ run: ReceivedRun, of receiver: UInt32, in codec: any InboundCodec) -> RevealedRun {
        let most = Self.capacity &* run.stride
        let bounded = ReceivedRun(start: run.start, length: min(run.length, most), stride: run.stride)
        var revealed = codec.reveal(bounded, receiver: receiver, into: messages)
        revealed.datagrams = max(revealed.datagrams, 1)
        return revealed
    }
}
