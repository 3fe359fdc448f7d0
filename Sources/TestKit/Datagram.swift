package import Wire

/// A UDP datagram on its way.
package struct Datagram: Sendable {
    package var source: Endpoint
    package var destination: Endpoint
    package var payload: [UInt8]
    /// DSCP and ECN of the IP header.
    package var trafficClass: UInt8

    package init(source: Endpoint, destination: Endpoint, payload: [UInt8], trafficClass: UInt8 = 0) {
        self.source = source
        self.destination = destination
        self.payload = payload
        self.trafficClass = trafficClass
    }

    /// What the payload claims to be; nil when it isn't WireGuard's.
    package var kind: Message.Kind? {
        payload.withUnsafeBytes { Message.kind(of: $0) }
    }

    /// Bytes of the IP and UDP headers and the payload.
    package var sizeOnWire: Int {
        payload.count + 8 + (destination.address.isIPv6 ? IPPacket.headerSize6 : IPPacket.headerSize4)
    }
}
