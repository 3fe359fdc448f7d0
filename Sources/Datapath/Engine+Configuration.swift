import Glibc
import LinuxNet
import Logging
import Obfuscation
package import Tunnel
package import Wire

extension Engine {
    /// Applies a change as a whole: what can fail, the socket, comes first, and then nothing is changed.
    ///
    /// - Returns: 0, or the `errno` value of what failed.
    package func apply(_ change: DeviceChange) -> Int32 {
        guard tunnel.hasRoom(for: change) else { return ENOMEM }
        do throws(DialectError) {
            try disguises.check(change, for: tunnel)
        } catch {
            logger.error("Nothing was changed: \(error)")
            return EINVAL
        }
        let oldMark = firewallMark
        if let mark = change.firewallMark {
            let code = setFirewallMark(mark)
            guard code == 0 else { return code }
        }
        if let port = change.listenPort {
            let code = setListenPort(port)
            guard code == 0 else {
                _ = setFirewallMark(oldMark)
                return code
            }
        }
        let reconfiguration = tunnel.configure(change)
        if disguises.update(tunnel, by: change, reconfiguration) { limitSuperPackets() }
        tunnel.resume(reconfiguration, now: moment())
        drain()
        return 0
    }

    /// The whole configuration and state.
    package func status() -> DeviceStatus {
        var status = tunnel.status()
        status.listenPort = listenPort
        status.firewallMark = firewallMark
        for index in status.peers.indices {
            status.peers[index].dialect = Dialect.name(
                of: status.peers[index].obfuscation, interface: status.obfuscation)
        }
        return status
    }

    /// The peer with this key; nil when there is none.
    package func peer(_ publicKey: PublicKey) -> Peer? { tunnel.peers[publicKey] }

    /// Has a peer called at another endpoint than before.
    package func call(_ publicKey: PublicKey, at endpoint: Endpoint) {
        disguises.moved(publicKey, to: endpoint)
        tunnel.call(publicKey, at: endpoint, now: moment())
        drain()
    }

    /// Every reason for which something was dropped, with how often.
    package func drops() -> [(reason: String, count: UInt64)] {
        DropReason.allCases.map { ($0.name, shared.drops[$0]) }
    }

    private func setListenPort(_ port: UInt16) -> Int32 {
        guard isUp else {
            let former = listenPort
            listenPort = port
            // An interface that is up without sockets, since its port was taken, gets another chance.
            readLinkState()
            if bindFailure != 0 { listenPort = former }
            return bindFailure
        }
        guard port != listenPort else { return 0 }
        do throws(SystemError) {
            try openSockets(port: port)
            for peer in tunnel.peers.values { peer.forgetSource() }
            logger.debug("Listening on UDP port \(listenPort)")
            return 0
        } catch {
            logger.error("Can't listen on UDP port \(port): \(error)")
            return error.code
        }
    }

    private func setFirewallMark(_ mark: UInt32) -> Int32 {
        guard mark != firewallMark else { return 0 }
        let pair = sockets.current
        for socket in [pair?.v4, pair?.v6].compactMap({ $0 }) {
            let code = socket.setFirewallMark(mark)
            guard code == 0 else {
                _ = pair?.v4?.setFirewallMark(firewallMark)
                _ = pair?.v6?.setFirewallMark(firewallMark)
                return code
            }
        }
        firewallMark = mark
        for peer in tunnel.peers.values { peer.forgetSource() }
        return 0
    }
}
