package import Wire

/// The settings of disguises, in the order in which they are printed: the one list that files, the configuration socket, commands and
/// documentation follow. Obfuscation §1.2.
package enum ObfuscationSetting: String, CaseIterable, Sendable {
    case dialect = "Obfuscation"
    case key = "ObfuscationKey"
    case pathMTU = "ObfuscationMTU"
    case reserved = "Reserved"
    case junkCount = "Jc"
    case junkMinimum = "Jmin"
    case junkMaximum = "Jmax"
    case s1 = "S1"
    case s2 = "S2"
    case s3 = "S3"
    case s4 = "S4"
    case h1 = "H1"
    case h2 = "H2"
    case h3 = "H3"
    case h4 = "H4"
    case i1 = "I1"
    case i2 = "I2"
    case i3 = "I3"
    case i4 = "I4"
    case i5 = "I5"
    case headerProtectionKey = "HeaderProtectionKey"
    case contentPadding = "ContentPaddingAddition"
    case rekeyAfterTime = "RekeyAfterTime"
    case rekeyTimeout = "RekeyTimeout"
    case rejectAfterTime = "RejectAfterTime"
    case keepaliveTimeout = "KeepaliveTimeout"
    case maximumRetries = "MaxHandshakeAttempts"
    case randomTrailers = "RandomTrailers"
    case disablesCookies = "DisableCookies"

    /// Whether a peer may have it, too, in place of its interface's.
    package var isForPeers: Bool {
        switch self {
        case .dialect, .key, .pathMTU, .reserved: true
        default: false
        }
    }

    /// Which of ``ObfuscationValue``'s kinds it has.
    package var kind: ObfuscationValue.Kind {
        switch self {
        case .dialect: .dialect
        case .key: .key
        case .reserved: .bytes
        case .pathMTU, .junkCount, .junkMinimum, .junkMaximum, .s1, .s2, .s3, .s4: .number
        case .h1, .h2, .h3, .h4: .range32
        case .i1, .i2, .i3, .i4, .i5: .text
        case .headerProtectionKey: .secret
        case .contentPadding, .rekeyAfterTime, .rekeyTimeout, .rejectAfterTime, .keepaliveTimeout, .maximumRetries:
            .range16
        case .randomTrailers, .disablesCookies: .flag
        }
    }
}

/// What a setting is set to.
package enum ObfuscationValue: Sendable {
    case dialect(DialectName)
    case key(ObfuscationKey)
    case number(UInt16)
    case range16(ClosedRange<UInt16>)
    case range32(ClosedRange<UInt32>)
    case text(String)
    case secret(Secret32)
    case bytes([UInt8])
    case flag(Bool)

    package enum Kind: Sendable {
        case dialect, key, number, range16, range32, text, secret, bytes, flag
    }
}

/// A change to an interface's or a peer's settings of its disguise.
package struct ObfuscationChange: Sendable {
    /// Whether everything that was said before is forgotten first.
    package var replacesAll = false
    /// Applied in order. Nil makes a setting unsaid.
    package var values: [(setting: ObfuscationSetting, value: ObfuscationValue?)] = []

    package init() {}
}

extension ObfuscationSettings {
    package mutating func apply(_ change: ObfuscationChange) {
        if change.replacesAll { self = ObfuscationSettings() }
        for (setting, value) in change.values { self[setting] = value }
    }

    /// What a setting is set to, nil when nothing was said; one that is set to a value of another kind stays as it is.
    package subscript(setting: ObfuscationSetting) -> ObfuscationValue? {
        get { get(setting) }
        set { set(setting, to: newValue) }
    }

    private func get(_ setting: ObfuscationSetting) -> ObfuscationValue? {
        switch setting {
        case .dialect: return dialect.map { .dialect($0) }
        case .key: return key.map { .key($0) }
        case .pathMTU: return pathMTU.map { .number($0) }
        case .reserved: return reserved.map { .bytes($0) }
        default: break
        }
        guard let awg = amneziaWG else { return nil }
        switch setting {
        case .junkCount: return awg.junkCount == 0 ? nil : .number(awg.junkCount)
        case .junkMinimum: return awg.junkMinimum == 0 ? nil : .number(awg.junkMinimum)
        case .junkMaximum: return awg.junkMaximum == 0 ? nil : .number(awg.junkMaximum)
        case .s1, .s2, .s3, .s4:
            let prefix = awg.prefixes[setting.place]
            return prefix == 0 ? nil : .number(prefix)
        case .h1, .h2, .h3, .h4:
            let header = awg.headers[setting.place]
            return header == AmneziaWGSettings().headers[setting.place] ? nil : .range32(header)
        case .i1, .i2, .i3, .i4, .i5:
            let packet = awg.specialPackets[setting.place]
            return packet.isEmpty ? nil : .text(packet)
        case .headerProtectionKey: return awg.headerProtectionKey.isZero ? nil : .secret(awg.headerProtectionKey)
        case .contentPadding: return awg.contentPadding.map { .range16($0) }
        case .rekeyAfterTime: return awg.rekeyAfterTime.map { .range16($0) }
        case .rekeyTimeout: return awg.rekeyTimeout.map { .range16($0) }
        case .rejectAfterTime: return awg.rejectAfterTime.map { .range16($0) }
        case .keepaliveTimeout: return awg.keepaliveTimeout.map { .range16($0) }
        case .maximumRetries: return awg.maximumRetries.map { .range16($0) }
        case .randomTrailers: return awg.randomTrailers ? .flag(true) : nil
        case .disablesCookies: return awg.disablesCookies ? .flag(true) : nil
        case .dialect, .key, .pathMTU, .reserved: return nil
        }
    }

    private mutating func set(_ setting: ObfuscationSetting, to value: ObfuscationValue?) {
        switch (setting, value) {
        case (.dialect, .dialect(let value)): dialect = value
        case (.dialect, nil): dialect = nil
        case (.key, .key(let value)): key = value
        case (.key, nil): key = nil
        case (.pathMTU, .number(let value)): pathMTU = value
        case (.pathMTU, nil): pathMTU = nil
        case (.reserved, .bytes(let value)): reserved = value
        case (.reserved, nil): reserved = nil
        default:
            var awg = amneziaWG ?? AmneziaWGSettings()
            awg.set(setting, to: value)
            // Whoever has taken back all that was said has said nothing.
            amneziaWG = awg == AmneziaWGSettings() ? nil : awg
        }
    }
}

extension AmneziaWGSettings {
    fileprivate mutating func set(_ setting: ObfuscationSetting, to value: ObfuscationValue?) {
        switch (setting, value) {
        case (.junkCount, .number(let value)): junkCount = value
        case (.junkCount, nil): junkCount = 0
        case (.junkMinimum, .number(let value)): junkMinimum = value
        case (.junkMinimum, nil): junkMinimum = 0
        case (.junkMaximum, .number(let value)): junkMaximum = value
        case (.junkMaximum, nil): junkMaximum = 0
        case (.s1, .number(let value)), (.s2, .number(let value)), (.s3, .number(let value)),
            (.s4, .number(let value)):
            prefixes[setting.place] = value
        case (.s1, nil), (.s2, nil), (.s3, nil), (.s4, nil): prefixes[setting.place] = 0
        case (.h1, .range32(let value)), (.h2, .range32(let value)), (.h3, .range32(let value)),
            (.h4, .range32(let value)):
            headers[setting.place] = value
        case (.h1, nil), (.h2, nil), (.h3, nil), (.h4, nil):
            headers[setting.place] = AmneziaWGSettings().headers[setting.place]
        case (.i1, .text(let value)), (.i2, .text(let value)), (.i3, .text(let value)), (.i4, .text(let value)),
            (.i5, .text(let value)):
            specialPackets[setting.place] = value
        case (.i1, nil), (.i2, nil), (.i3, nil), (.i4, nil), (.i5, nil): specialPackets[setting.place] = ""
        case (.headerProtectionKey, .secret(let value)): headerProtectionKey = value
        case (.headerProtectionKey, nil): headerProtectionKey = .zero
        case (.randomTrailers, .flag(let value)): randomTrailers = value
        case (.randomTrailers, nil): randomTrailers = false
        case (.disablesCookies, .flag(let value)): disablesCookies = value
        case (.disablesCookies, nil): disablesCookies = false
        case (_, .range16(let value)): setRange(setting, to: value)
        case (_, nil): setRange(setting, to: nil)
        default: break
        }
    }

    private mutating func setRange(_ setting: ObfuscationSetting, to range: ClosedRange<UInt16>?) {
        switch setting {
        case .contentPadding: contentPadding = range
        case .rekeyAfterTime: rekeyAfterTime = range
        case .rekeyTimeout: rekeyTimeout = range
        case .rejectAfterTime: rejectAfterTime = range
        case .keepaliveTimeout: keepaliveTimeout = range
        case .maximumRetries: maximumRetries = range
        default: break
        }
    }
}

extension ObfuscationSetting {
    /// Its place among those that differ by a number.
    fileprivate var place: Int {
        switch self {
        case .s2, .h2, .i2: 1
        case .s3, .h3, .i3: 2
        case .s4, .h4, .i4: 3
        case .i5: 4
        default: 0
        }
    }
}
