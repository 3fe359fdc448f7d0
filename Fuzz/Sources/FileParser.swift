import Control
import Tunnel

/// Configuration files: what is taken can be printed and read again, stripping leaves what `wg` takes, and no error shows
/// a key.
///
/// An input is a byte that chooses the dialect and text.
final class FileParser: FuzzedParser {
    let share = 7
    let longestInput = 2048

    private static let key = "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk="

    func run(_ input: inout Input) {
        let dialect: ConfigurationFile.Dialect = input.byte() & 1 == 0 ? .wg : .quick
        let text = Array(input.all())
        do throws(ConfigurationError) {
            let file = try ConfigurationFile(parsing: text, name: "f", dialect: dialect)
            check(file, text, dialect)
            if dialect == .quick { checkEdits(text) }
        } catch {
            require(!error.description.contains(Self.key.dropLast(2)), "an error holds no key")
            require(error.line >= 1 && error.line <= text.count + 1, "an error is on a line of the file")
            require(
                error.description.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f }, "an error has no control characters")
        }
    }

    private func check(_ file: ConfigurationFile, _ text: [UInt8], _ dialect: ConfigurationFile.Dialect) {
        let printed = file.printed(dialect)
        guard let again = try? ConfigurationFile(parsing: printed, name: "f", dialect: dialect) else {
            return require(false, "a printed file can be read")
        }
        require(again.printed(dialect) == printed, "a file is read as it is printed")
        guard let rest = try? ConfigurationFile(parsing: ConfigurationFile.stripped(text), name: "f", dialect: .wg)
        else {
            return require(false, "a stripped file is for wg")
        }
        require(rest.printed(.wg) == file.printed(.wg), "stripping takes nothing from wg")
    }

    /// The lines are all of the text, and a change to one peer leaves the others as they are.
    private func checkEdits(_ text: [UInt8]) {
        let layout = ConfigurationLayout(text)
        require(layout.lines.reduce(0) { $0 + $1.range.count } == text.count, "lines are all of the text")
        guard let file = try? ConfigurationText(text, name: "f") else { return }
        let isPlain = !layout.lines.contains(where: \.isDisabled)
        for (place, peer) in file.peers.enumerated() where peer.isEnabled {
            let keys = file.peers.map { $0.section?.publicKey }
            let without = try? ConfigurationText(file.removing(peer), name: "f")
            require(without?.peers.count == keys.count - 1, "a peer can be removed")
            guard isPlain else { continue }
            let disabled = try? ConfigurationText(file.disabling(peer), name: "f")
            require(disabled?.peers.map { $0.section?.publicKey } == keys, "a peer that is switched off is known")
            require(disabled?.configuration.peers.count == keys.count - 1, "a peer can be switched off")
            guard let disabled else { continue }
            require(disabled.enabling(disabled.peers[place]) == text, "a peer comes back as it was")
            let renamed = try? ConfigurationText(file.renaming(peer, to: "x"), name: "f")
            require(renamed?.peers[place].name == "x", "a peer can get a name")
            checkLimits(file, peer, place)
        }
    }

    /// A peer can be limited and freed, and what else is said of it and of others stays.
    private func checkLimits(_ file: ConfigurationText, _ peer: ConfigurationText.Peer, _ place: Int) {
        let names = file.peers.map(\.name)
        let limited = try? ConfigurationText(
            file.setting([(.quota, "50 GiB"), (.expires, "2026-12-31")], of: peer), name: "f")
        require(limited?.peers.map(\.name) == names, "limits don't change names")
        guard let limited, limited.peers.count > place else { return }
        let annotation = limited.annotation(of: limited.peers[place])
        require(annotation.quota == 50 << 30 && annotation.expires != nil, "a peer can be limited")
        let free = try? ConfigurationText(
            limited.setting([(.quota, nil), (.expires, nil)], of: limited.peers[place]), name: "f")
        require(free?.peers.map(\.name) == names, "no limits don't change names")
        guard let free, free.peers.count > place else { return }
        require(!free.annotation(of: free.peers[place]).isLimited, "a peer can be freed")
    }

    var samples: [[UInt8]] {
        let device = "[Interface]\nPrivateKey = \(Self.key)\nListenPort = 51820\nFwMark = 0xca6c\n"
        let quick = """
            [Interface] # comment
            Address = 10.0.0.2/24, fd00::2
            DNS = 10.0.0.1, example.org
            MTU = 1380
            Table = off
            PostUp = echo %i # x
            SaveConfig = true
            KillSwitch = lan

            """
        let peer = """
            [Peer]
            PublicKey=\(Self.key)
            PresharedKey = \(Self.key)
            AllowedIPs = 10.0.0.0/8, +fd00::/8,-::/0
            Endpoint = [2001:db8::1]:51820
            PersistentKeepalive = 25

            """
        return [device, device + peer, device + peer + peer, "[interface]\nListen Port=off\n", "[Peer]\n"]
            .map { [0] + Array($0.utf8) }
            + [
                quick, quick + peer, device + quick,
                device + "\n# Name = a\n# Quota = 3 GiB\n" + peer + "### begin b ###\n" + peer,
            ].map {
                [1] + Array($0.utf8)
            }
    }
}
