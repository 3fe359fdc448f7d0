package import Control
package import Quick
package import Tunnel
import Wire

/// Changes to how long a peer may be used, and how much it may transfer. They are comments in the server's file, which its daemon goes
/// by.
package enum PeerLimits {
    /// Nil leaves a limit as it is.
    case limit(expires: End?, quota: Grant?)
    /// Begins the quota anew, and moves the end on by a time; nil: by as long as it was.
    case renew(Term?)

    package enum End: Equatable, Sendable {
        case never
        case at(Expiry)
        case after(Term)
    }

    package enum Grant: Equatable, Sendable {
        case unlimited
        case bytes(ByteQuantity)
    }

    package struct Outcome {
        /// The peer's name, or what else it was meant by.
        package let name: String
        package let annotation: PeerAnnotation
        package let reach: ConfigurationEdit.Reach
    }

    /// - Parameter now: Unix time in seconds.
    /// - Throws: a sentence; then nothing has changed.
    package func run(_ argument: String, _ edit: ConfigurationEdit, now: Int64) throws -> Outcome {
        let text = edit.text
        let peer = try text.peer(argument, file: edit.path)
        let name = peer.name ?? peer.section?.publicKey.short ?? argument
        let former = Former(
            name: quoted(name), place: "\(edit.path):\(text.line(of: peer))", annotation: text.annotation(of: peer),
            expires: text.comment(.expires, of: peer), term: text.comment(.term, of: peer))
        let values =
            switch self {
            case .limit(let expires, let quota): try Self.limit(expires, quota, former, now: now)
            case .renew(let term): try Self.renew(term, former, now: now)
            }
        var annotation = former.annotation
        annotation.take(values)
        let key = peer.isEnabled ? peer.section?.publicKey : nil
        let effect = key.map { ConfigurationEdit.Effect.annotates($0, annotation) } ?? .none
        return Outcome(
            name: name, annotation: annotation, reach: try edit.commit(text.setting(values, of: peer), effect))
    }

    /// What a new peer is limited by: comments for the file, and the same for its daemon.
    static func ofNewPeer(
        expires: End?, quota: Grant?, name: String, now: Int64
    ) throws(QuickError) -> (comments: [String], annotation: PeerAnnotation) {
        var annotation = PeerAnnotation()
        annotation.name = name
        let former = Former(name: quoted(name), place: "", annotation: annotation, expires: nil, term: nil)
        let values = try limit(expires, quota, former, now: now)
        annotation.take(values)
        return (values.compactMap { key, value in value.map { key.line($0) } }, annotation)
    }
}

extension PeerLimits.End {
    /// `never`, a day or time, or `+` and a length of time.
    package init?(_ text: String) {
        if text.lowercased() == "never" {
            self = .never
        } else if text.hasPrefix("+"), let term = Term(text.dropFirst()) {
            self = .after(term)
        } else if let expiry = Expiry(text) {
            self = .at(expiry)
        } else {
            return nil
        }
    }
}

extension PeerLimits.Grant {
    /// `none`, or a number of bytes.
    package init?(_ text: String) {
        if text.lowercased() == "none" {
            self = .unlimited
        } else if let quantity = ByteQuantity(text) {
            self = .bytes(quantity)
        } else {
            return nil
        }
    }
}

// MARK: - What the file says then

extension PeerLimits {
    fileprivate typealias Values = [(key: CommentKey, value: String?)]

    private struct Former {
        let name: String
        let place: String
        let annotation: PeerAnnotation
        /// As the file has them.
        let expires: String?
        let term: String?
    }

    private static func limit(
        _ end: End?, _ quota: Grant?, _ former: Former, now: Int64
    ) throws(QuickError) -> Values {
        var values: Values = []
        switch end {
        case .never: values += [(.expires, nil), (.term, nil)]
        case .after(let term): values += expiring(later(by: term, than: now), term)
        case .at(let expiry):
            guard expiry.time > now else {
                throw QuickError(
                    "\(expiry.description) has passed; to switch \(former.name) off now: nightjar disable \(former.name)"
                )
            }
            values += expiring(expiry, term(until: expiry, now: now))
        case nil: break
        }
        switch quota {
        case .unlimited: values += [(.quota, nil), (.quotaSince, nil)]
        case .bytes(let quantity):
            values.append((.quota, quantity.description))
            // More of what is being used already, or less, doesn't begin anew.
            if former.annotation.quota == nil { values.append((.quotaSince, UTCTime(now).text)) }
        case nil: break
        }
        return values
    }

    private static func renew(_ given: Term?, _ former: Former, now: Int64) throws(QuickError) -> Values {
        var values: Values = []
        if let text = former.expires {
            guard let expires = former.annotation.expires else {
                throw QuickError(
                    "\(former.place): the comment \"Expires\" of \(former.name) has the value \(quoted(text)), which is not "
                        + "\(Expiry.expectation); 'nightjar limit' writes another")
            }
            guard let term = given ?? former.term.flatMap({ Term($0) }) else {
                throw QuickError(
                    "\(former.place): the file doesn't say for how long \(former.name) was to be used; say it, as in: "
                        + "--for 30d")
            }
            values += expiring(later(by: term, than: now, from: Expiry(time: expires)), term)
        } else if given != nil {
            throw QuickError("\(former.name) has no date that --for could move on; 'nightjar limit --expires' sets one")
        }
        if former.annotation.quota != nil { values.append((.quotaSince, UTCTime(now).text)) }
        guard !values.isEmpty else {
            throw QuickError("\(former.name) has no limits that could be renewed; 'nightjar limit' sets some")
        }
        return values
    }

    private static func expiring(_ expiry: Expiry, _ term: Term) -> Values {
        [(.expires, expiry.description), (.term, term.description)]
    }

    /// Whole days end with a day; what is told in hours, with a minute. An end that is still to come is moved on, one that has passed
    /// counts as now.
    private static func later(by term: Term, than now: Int64, from end: Expiry? = nil) -> Expiry {
        let tomorrow = (now / UTCTime.day + 1) * UTCTime.day
        if term.hours % 24 == 0, end?.isDay ?? true {
            return Expiry(time: max(end?.time ?? 0, tomorrow) + term.seconds)
        }
        return Expiry(time: (max(end?.time ?? 0, now) + term.seconds + 59) / 60 * 60)
    }

    /// How long it is until then, as `later` would count it.
    private static func term(until expiry: Expiry, now: Int64) -> Term {
        if expiry.isDay { return Term(hours: max(1, expiry.time / UTCTime.day - now / UTCTime.day - 1) * 24) }
        return Term(hours: (expiry.time - now + 1800) / 3600)
    }
}

extension PeerAnnotation {
    /// Becomes what a file with these comments says.
    fileprivate mutating func take(_ values: PeerLimits.Values) {
        for (key, value) in values {
            switch key {
            case .expires: expires = value.flatMap { Expiry($0)?.time }
            case .quota: quota = value.flatMap { ByteQuantity($0)?.bytes }
            case .quotaSince: quotaSince = value.flatMap { UTCTime($0)?.seconds }
            default: break
            }
        }
    }
}
