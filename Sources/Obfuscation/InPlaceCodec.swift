import Tunnel

/// A codec whose data messages have a header of sixteen bytes where WireGuard has it, and no more bytes than WireGuard's.
package protocol InPlaceCodec: InboundCodec {
    /// Takes the disguise off a datagram that has a ``InboundCodec/receiver(of:)``.
    func uncover(_ datagram: UnsafeMutableRawBufferPointer)
}

extension InPlaceCodec {
    package func reveal(
        _ run: ReceivedRun, receiver: UInt32, into messages: UnsafeMutablePointer<DataMessage>
    ) -> RevealedRun {
        var count = 0
        for datagram in Datagrams(run) {
            guard self.receiver(of: UnsafeRawBufferPointer(datagram)) == receiver else { break }
            uncover(datagram)
            (messages + count).initialize(to: DataMessage(revealed: datagram))
            count &+= 1  // Safe: there are no more than bytes.
        }
        return RevealedRun(datagrams: count, messages: count)
    }
}
