package import Wire

/// What AmneziaWG lets people choose for an interface, all of it off at first, so that the bytes are WireGuard's. Obfuscation §1.2.
package struct AmneziaWGSettings: Equatable, Sendable {
    /// Junk datagrams before an initiation and their least and greatest size in bytes: `Jc`, `Jmin`, `Jmax`.
    package var junkCount: UInt16 = 0
    package var junkMinimum: UInt16 = 0
    package var junkMaximum: UInt16 = 0
    /// Random bytes before an initiation, response, cookie reply and data message: `S1` to `S4`.
    package var prefixes: [UInt16] = [0, 0, 0, 0]
    /// What the first four bytes of each kind of message may be: `H1` to `H4`.
    package var headers: [ClosedRange<UInt32>] = [1...1, 2...2, 3...3, 4...4]
    /// Datagrams that go before an initiation, in the tag language; empty for none: `I1` to `I5`.
    package var specialPackets: [String] = ["", "", "", "", ""]
    /// `HeaderProtectionKey`; zeros turn it off.
    package var headerProtectionKey = Secret32.zero
    /// Bytes added inside of the encryption: `ContentPaddingAddition`; nil pads to a multiple of 16.
    package var contentPadding: ClosedRange<UInt16>?
    /// `RekeyAfterTime`, `RekeyTimeout`, `RejectAfterTime`, `KeepaliveTimeout`, `MaxHandshakeAttempts`; nil is the standard's.
    package var rekeyAfterTime: ClosedRange<UInt16>?
    package var rekeyTimeout: ClosedRange<UInt16>?
    package var rejectAfterTime: ClosedRange<UInt16>?
    package var keepaliveTimeout: ClosedRange<UInt16>?
    package var maximumRetries: ClosedRange<UInt16>?
    /// `RandomTrailers` and `DisableCookies`.
    package var randomTrailers = false
    package var disablesCookies = false

    package init() {}

    package static func == (left: Self, right: Self) -> Bool {
        left.junkCount == right.junkCount && left.junkMinimum == right.junkMinimum
            && left.junkMaximum == right.junkMaximum && left.prefixes == right.prefixes && left.headers == right.headers
            && left.specialPackets == right.specialPackets
            && left.headerProtectionKey.equals(right.headerProtectionKey)
            && left.contentPadding == right.contentPadding && left.rekeyAfterTime == right.rekeyAfterTime
            && left.rekeyTimeout == right.rekeyTimeout && left.rejectAfterTime == right.rejectAfterTime
            && left.keepaliveTimeout == right.keepaliveTimeout && left.maximumRetries == right.maximumRetries
            && left.randomTrailers == right.randomTrailers && left.disablesCookies == right.disablesCookies
    }
}
