import LinuxNet
import Testing
import Wire

extension SendBatch {
    /// Appends, and expects that there is room.
    mutating func add(
        _ bytes: UnsafeRawBufferPointer, segmentSize: Int = 0, to endpoint: Endpoint, from source: SourceAddress? = nil,
        tos: UInt8 = 0, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let accepted = append(bytes, segmentSize: segmentSize, to: endpoint, from: source, tos: tos)
        #expect(accepted, sourceLocation: sourceLocation)
    }
}

extension ReceiveBatch {
    /// Receives, and expects this outcome.
    mutating func expect(
        _ expected: Outcome, from socket: UDPSocket, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let outcome = receive(from: socket)
        try #require(outcome == expected, sourceLocation: sourceLocation)
    }
}

/// Bytes that differ from their neighbours and repeat late.
func pattern(_ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) }
}
