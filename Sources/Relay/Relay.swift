package import LinuxNet
package import Tunnel
import Wire

/// One relay: a thread of its own, from its making to ``stop()``.
package final class Relay: Sendable {
    package let listen: ListenAddress
    package let counters = RelayCounters()
    /// The port that it listens on, also where the settings left the choice.
    package let port: UInt16

    private let mailbox: RelayMailbox
    private let thread: NativeThread

    /// Starts on sockets that are bound already.
    ///
    /// - Parameter start: only dated handshakes that were made later are taken, unless a file says when; now, if nil.
    package init(
        _ settings: RelaySettings, listeners: [UDPSocket], book: any AddressBook, log: any RelayLog,
        start: WallTime? = nil
    ) throws(SystemError) {
        let start = start ?? RelayLoop.moment().wall
        listen = settings.listen
        port = listeners.first?.port ?? 0
        let mailbox = try RelayMailbox()
        self.mailbox = mailbox
        thread = try NativeThread(name: "relay-\(port)") { [counters] in
            do {
                let loop = try RelayLoop(
                    settings, listeners: listeners, mailbox: mailbox, counters: counters, book: book, log: log,
                    start: start)
                try loop.run()
            } catch {
                log.note(.broken("\(error)"), of: settings.listen)
            }
        }
    }

    /// Opens the sockets of a listening address.
    package static func listeners(
        on address: ListenAddress, options: UDPSocket.Options = UDPSocket.Options()
    ) throws(SystemError) -> [UDPSocket] {
        var options = options
        options.waitsForDatagrams = false
        switch address {
        case .one(let endpoint): return [try UDPSocket.bind(at: endpoint, options: options)]
        case .everywhere(let port):
            let pair = try UDPSocketPair.bind(port: port, options: options)
            return [pair.v4, pair.v6].compactMap { $0 }
        }
    }

    /// Takes new settings for the same listening address. A name is asked for again, even if nothing else is new.
    package func update(_ settings: RelaySettings) {
        mailbox.put(.update(settings))
    }

    /// Ends it, and waits until it has.
    package func stop() {
        mailbox.put(.stop)
        thread.join()
    }
}
