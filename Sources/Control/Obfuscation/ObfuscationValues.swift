package import Tunnel

/// The settings of a disguise as a section of a file says them, those included that say what is so anyway.
package struct ObfuscationValues: Sendable {
    private var values: [ObfuscationSetting: ObfuscationValue] = [:]

    package init() {}

    /// What a device or peer has.
    package init(_ settings: ObfuscationSettings) {
        for setting in ObfuscationSetting.allCases { values[setting] = settings[setting] }
    }

    package subscript(setting: ObfuscationSetting) -> ObfuscationValue? {
        get { values[setting] }
        set { values[setting] = newValue }
    }

    package var isEmpty: Bool { values.isEmpty }

    /// What somebody has of whom nothing else was said.
    package var settings: ObfuscationSettings {
        var settings = ObfuscationSettings()
        if let change { settings.apply(change) }
        return settings
    }

    /// What brings these values into a device or peer; nil when there are none.
    package var change: ObfuscationChange? {
        isEmpty
            ? nil
            : ObfuscationChange(
                ObfuscationSetting.allCases.compactMap { setting in
                    values[setting].map { (setting, $0.said) }
                })
    }

    /// What is left to do until `settings` are these and nothing else; nil when nothing is.
    func difference(from settings: ObfuscationSettings) -> ObfuscationChange? {
        settings.difference(to: self.settings)
    }

    /// Keeps what `former` says needlessly, as it is so anyway.
    package mutating func keepForm(of former: ObfuscationValues) {
        for (setting, value) in former.values where values[setting] == nil {
            if settings[setting] == nil, former.settings[setting] == nil { values[setting] = value }
        }
    }

    /// At least as many bytes as all of them take in a file.
    var longestText: Int {
        values.values.reduce(0) { $0 + 32 + $1.longestText }
    }

    /// Takes what `later` says, in place of what was said before.
    mutating func take(_ later: ObfuscationValues) {
        values.merge(later.values) { $1 }
    }
}

extension ObfuscationChange {
    init(_ values: [(setting: ObfuscationSetting, value: ObfuscationValue?)]) {
        self.init()
        self.values = values
    }
}

extension ObfuscationSettings {
    /// What was said, in the order of printing.
    var said: [(setting: ObfuscationSetting, value: ObfuscationValue)] {
        ObfuscationSetting.allCases.compactMap { setting in self[setting].map { (setting, $0) } }
    }

    /// The disguise of a peer that has these settings.
    package func dialectName(in interface: ObfuscationSettings) -> DialectName {
        dialect ?? interface.dialect ?? (interface.amneziaWG == nil ? .plain : .amneziaWG)
    }

    /// What makes these settings the others; nil when they are equal.
    package func difference(to wanted: ObfuscationSettings) -> ObfuscationChange? {
        var values: [(ObfuscationSetting, ObfuscationValue?)] = []
        for setting in ObfuscationSetting.allCases {
            switch (self[setting], wanted[setting]) {
            case (nil, nil): break
            case (let old?, let new?) where old.equals(new): break
            case (_, let new): values.append((setting, new))
            }
        }
        return values.isEmpty ? nil : ObfuscationChange(values)
    }
}
