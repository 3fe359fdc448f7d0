package import Tunnel
import Wire

extension AmneziaWGSettings {
    /// Whether messages look like WireGuard's own, so that any WireGuard understands them and is understood. Junk, special packets,
    /// padding and times don't change that.
    package var isPlainOnTheWire: Bool {
        prefixes.allSatisfy { $0 == 0 } && effectiveHeaders == AmneziaWGSettings().headers && headerProtectionKey.isZero
            && !randomTrailers
    }

    /// What a full packet's datagram has more than WireGuard's, in bytes. Padding adds nothing to it, since it ends at the MTU.
    package var overhead: Int { Int(prefixes[3]) }

    /// When keys are renewed, handshakes repeated and keepalives sent. Obfuscation §1.6.
    package var timing: Timing {
        var timing = Timing()
        if let range = rekeyAfterTime.unlessZero { timing.rekeyAfterTime = range }
        if let range = rekeyTimeout.unlessZero { timing.rekeyTimeout = range }
        if let range = rejectAfterTime.unlessZero { timing.rejectAfterTime = range }
        if let range = keepaliveTimeout.unlessZero { timing.keepaliveTimeout = range }
        if let range = maximumRetries.unlessZero { timing.maximumRetries = range }
        return timing
    }

    /// ``headers`` with zeros, which mean the kind's own number, replaced by it.
    var effectiveHeaders: [ClosedRange<UInt32>] {
        zip(headers, AmneziaWGSettings().headers).map { $0 == 0...0 ? $1 : $0 }
    }

    /// ``contentPadding``, nil also for zeros, which turn it off.
    var effectiveContentPadding: ClosedRange<UInt16>? { contentPadding.unlessZero }
}

extension ClosedRange<UInt16>? {
    fileprivate var unlessZero: ClosedRange<UInt16>? { self == 0...0 ? nil : self }
}
