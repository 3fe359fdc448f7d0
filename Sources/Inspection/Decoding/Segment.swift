package import Wire

/// What a packet carries for the rules: a UDP datagram or a TCP segment.
package struct Segment: Sendable {
    package enum Transport: String, Hashable, Sendable, Codable {
        case udp, tcp
    }

    package struct TCP: Sendable {
        var sequence: UInt32
        var isSYN: Bool
        var isACK: Bool
        var window: UInt16
        /// Of a SYN, with their padding.
        var options: Octets
    }

    package var transport: Transport
    package var source: Endpoint
    package var destination: Endpoint
    /// Nanoseconds since 1970.
    package var time: Int64
    /// DSCP and ECN.
    package var trafficClass: UInt8
    /// As much as was captured.
    package var payload: Octets
    /// Bytes on the wire.
    package var payloadLength: Int
    /// Whether this is the first of several fragments.
    package var isFragmented: Bool
    package var tcp: TCP?
}

/// What became of a frame.
package enum Decoded: Sendable {
    case segment(Segment)
    /// A later fragment, which has no ports.
    case fragment
    /// Neither UDP nor TCP over IP, or cut off before its ports.
    case other

    package init(_ frame: CapturedPacket) {
        guard let bytes = LinkDecoder.packet(in: frame), let version = bytes[0] else {
            self = .other
            return
        }
        let header: IPHeader?
        switch version >> 4 {
        case 4: header = IPHeader(version4: bytes, missing: frame.originalLength - frame.bytes.count)
        case 6: header = IPHeader(version6: bytes, missing: frame.originalLength - frame.bytes.count)
        default: header = nil
        }
        guard let header else {
            self = .other
            return
        }
        guard header.fragmentOffset == 0 else {
            self = .fragment
            return
        }
        let segment =
            switch header.upperProtocol {
            case 17: Segment(datagram: header, time: frame.time)
            case 6: Segment(tcp: header, time: frame.time)
            default: Segment?.none
            }
        self = segment.map(Decoded.segment) ?? .other
    }
}

extension Segment {
    fileprivate init?(datagram header: IPHeader, time: Int64) {
        let bytes = header.payload
        guard let sourcePort = bytes.bigEndian16(at: 0), let destinationPort = bytes.bigEndian16(at: 2),
            let announced = bytes.bigEndian16(at: 4)
        else { return nil }
        // Super-packets that were captured before their segmentation may leave the length out.
        let length = announced == 0 ? header.payloadLength : Int(announced)
        guard length >= 8, length <= header.payloadLength || header.isFragmented else { return nil }
        transport = .udp
        source = Endpoint(header.source, port: sourcePort)
        destination = Endpoint(header.destination, port: destinationPort)
        self.time = time
        trafficClass = header.trafficClass
        isFragmented = header.isFragmented
        payload = bytes.prefix(length).dropFirst(8)
        payloadLength = length - 8
    }

    fileprivate init?(tcp header: IPHeader, time: Int64) {
        let bytes = header.payload
        guard let sourcePort = bytes.bigEndian16(at: 0), let destinationPort = bytes.bigEndian16(at: 2),
            let sequence = bytes.bigEndian32(at: 4), let offset = bytes[12], let flags = bytes[13],
            let window = bytes.bigEndian16(at: 14)
        else { return nil }
        let size = Int(offset >> 4) * 4
        guard size >= 20, size <= header.payloadLength else { return nil }
        transport = .tcp
        source = Endpoint(header.source, port: sourcePort)
        destination = Endpoint(header.destination, port: destinationPort)
        self.time = time
        trafficClass = header.trafficClass
        isFragmented = header.isFragmented
        payload = bytes.dropFirst(size)
        payloadLength = header.payloadLength - size
        tcp = TCP(
            sequence: sequence, isSYN: flags & 0x02 != 0, isACK: flags & 0x10 != 0, window: window,
            // A copy, so that the frame around them goes.
            options: Octets(flags & 0x02 == 0 ? [] : bytes.prefix(size).dropFirst(20).bytes))
    }
}
