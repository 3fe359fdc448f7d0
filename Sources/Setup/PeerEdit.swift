import Control
package import Quick
import Tunnel
import Wire

/// Changes to a peer that a file has.
package enum PeerEdit {
    case enable
    case disable
    case remove
    case rename(String)

    /// - Returns: the peer's name in the end, and where the change has arrived; nil when all was so already.
    /// - Throws: a sentence; then nothing has changed.
    package func run(_ argument: String, _ edit: ConfigurationEdit) throws -> (
        name: String, reach: ConfigurationEdit.Reach?
    ) {
        let text = edit.text
        let peer = try text.peer(argument, file: edit.path)
        let name = peer.name ?? peer.section?.publicKey.short ?? argument
        switch self {
        case .enable:
            guard !peer.isEnabled else { return (name, nil) }
            let section = try readable(peer, edit)
            try refuseDoubles(section, edit)
            let effect = ConfigurationEdit.Effect.adds(section, text.annotation(of: peer))
            return (name, try edit.commit(text.enabling(peer), effect))
        case .disable:
            guard peer.isEnabled else { return (name, nil) }
            return (name, try edit.commit(text.disabling(peer), .removes(try readable(peer, edit))))
        case .remove:
            let effect = peer.isEnabled ? try ConfigurationEdit.Effect.removes(readable(peer, edit)) : .none
            return (name, try edit.commit(text.removing(peer), effect))
        case .rename(let new):
            let new = try PeerName.checked(new)
            if let other = text.peers.first(where: {
                $0.place != peer.place && ($0.name.map { PeerName.areAlike($0, new) } ?? false)
            }) {
                throw QuickError(
                    "\(edit.path):\(text.line(of: other)): there is a peer called \(quoted(other.name ?? new)) already")
            }
            guard peer.name != new else { return (new, nil) }
            var annotation = text.annotation(of: peer)
            annotation.name = new
            let key = peer.isEnabled ? peer.section?.publicKey : nil
            return (new, try edit.commit(text.renaming(peer, to: new), key.map { .annotates($0, annotation) } ?? .none))
        }
    }

    private func readable(_ peer: ConfigurationText.Peer, _ edit: ConfigurationEdit) throws(QuickError) -> PeerSection {
        guard let section = peer.section else {
            throw QuickError(
                "\(edit.path):\(edit.text.line(of: peer)): this peer is switched off, and its lines can't be read; look at them "
                    + "there")
        }
        return section
    }

    /// A peer whose key or addresses another one has got meanwhile would take them away from that one.
    private func refuseDoubles(_ section: PeerSection, _ edit: ConfigurationEdit) throws(QuickError) {
        let prefixes = Set(section.prefixes)
        for other in edit.text.peers where other.isEnabled {
            guard let present = other.section else { continue }
            let name = quoted(other.name ?? present.publicKey.short)
            if present.publicKey == section.publicKey {
                throw QuickError("\(edit.path):\(edit.text.line(of: other)): the peer \(name) has the same PublicKey")
            }
            if let both = present.prefixes.first(where: prefixes.contains) {
                throw QuickError(
                    "\(edit.path):\(edit.text.line(of: other)): the peer \(name) has \(both) now, which would be taken away "
                        + "from it; change AllowedIPs of one of them")
            }
        }
    }
}
