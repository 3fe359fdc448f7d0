import NoisePrimitives
package import Tunnel
import Wire

extension AmneziaWGSettings {
    /// Throws what is wrong with the settings first, and how to mend it. Obfuscation §1.2.
    package func validate() throws(DialectError) {
        try validateJunk()
        try validatePrefixes()
        try validateHeaders()
        try validateSpecialPackets()
        try validateTimes()
    }

    /// The most junk datagrams before an initiation.
    private static let mostJunk = 128

    private func validateJunk() throws(DialectError) {
        if junkCount > Self.mostJunk {
            throw DialectError(
                "Jc = \(junkCount) is too much: at most \(Self.mostJunk) junk packets go before a handshake, mostly 4 to 12"
            )
        }
        if junkMinimum > junkMaximum {
            throw DialectError(
                "Jmin = \(junkMinimum) is above Jmax = \(junkMaximum): set Jmax to \(junkMinimum) or more, or Jmin to \(junkMaximum) or less"
            )
        }
        if junkMaximum > SpecialPacket.maximumSize {
            throw DialectError(
                "Jmax = \(junkMaximum) is more than a datagram can have, which is \(SpecialPacket.maximumSize) bytes; take 1280 or less, so that junk isn't cut into fragments"
            )
        }
    }

    private func validatePrefixes() throws(DialectError) {
        let sizes = [Message.Initiation.size, Message.Response.size, Message.CookieReply.size, Message.Data.overhead]
        for (place, size) in sizes.enumerated() where Int(prefixes[place]) + size > DisguiseLimits.datagram {
            throw DialectError(
                "S\(place + 1) = \(prefixes[place]) is too long: with it \(Self.messageNames[place]) of \(size) bytes has more than \(DisguiseLimits.datagram); take \(DisguiseLimits.datagram - size) at most"
            )
        }
        guard !headerProtectionKey.isZero else { return }
        let short = prefixes.indices.filter { prefixes[$0] < ChaCha20.nonceSize }
        if !short.isEmpty {
            let found = short.map { "S\($0 + 1) = \(prefixes[$0])" }.joined(separator: ", ")
            throw DialectError(
                "HeaderProtectionKey needs S1, S2, S3 and S4 of \(ChaCha20.nonceSize) or more, on both sides, since its nonce stands there; here \(found)"
            )
        }
    }

    private func validateHeaders() throws(DialectError) {
        let headers = effectiveHeaders
        for second in headers.indices {
            for first in headers.indices.prefix(second) where headers[first].overlaps(headers[second]) {
                throw DialectError(
                    "H\(first + 1) = \(Self.text(headers[first])) and H\(second + 1) = \(Self.text(headers[second])) overlap, so a message could be either kind; give H1 to H4 numbers that no other one has, the same on both sides"
                )
            }
        }
    }

    private func validateSpecialPackets() throws(DialectError) {
        for (place, text) in specialPackets.enumerated() {
            do {
                _ = try SpecialPacket(text)
            } catch {
                throw DialectError("I\(place + 1): at character \(error.position), \(error.reason)")
            }
        }
    }

    private func validateTimes() throws(DialectError) {
        let timing = self.timing
        let times = [
            ("RekeyAfterTime", timing.rekeyAfterTime), ("RekeyTimeout", timing.rekeyTimeout),
            ("RejectAfterTime", timing.rejectAfterTime), ("KeepaliveTimeout", timing.keepaliveTimeout),
        ]
        for (name, range) in times where range.lowerBound == 0 {
            throw DialectError("\(name) = \(Self.text(range)) begins at no time at all: take 1 second or more")
        }
        let reject = timing.rejectAfterTime
        if timing.rekeyAfterTime.lowerBound >= reject.upperBound {
            throw DialectError(
                "RekeyAfterTime = \(Self.text(timing.rekeyAfterTime)) is never below RejectAfterTime = \(Self.text(reject)), so every session would end before it is renewed; keep it a minute below"
            )
        }
        let margin = UInt32(timing.keepaliveTimeout.lowerBound) + UInt32(timing.rekeyTimeout.lowerBound)
        if UInt32(reject.lowerBound) <= margin {
            throw DialectError(
                "RejectAfterTime = \(Self.text(reject)) leaves no time for KeepaliveTimeout = \(Self.text(timing.keepaliveTimeout)) and RekeyTimeout = \(Self.text(timing.rekeyTimeout)) before it: take more than \(margin) seconds"
            )
        }
    }

    private static let messageNames = ["an initiation", "a response", "a cookie reply", "a data message"]

    private static func text(_ range: ClosedRange<some FixedWidthInteger>) -> String {
        range.lowerBound == range.upperBound ? "\(range.lowerBound)" : "\(range.lowerBound)-\(range.upperBound)"
    }
}
