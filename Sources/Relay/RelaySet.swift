package import LinuxNet
import Wire

/// The relays of a program, which may be changed as a whole while they run. Belongs to one thread.
package final class RelaySet {
    private var relays: [Relay] = []
    private let book: any AddressBook
    private let log: any RelayLog

    package init(book: any AddressBook, log: any RelayLog) {
        self.book = book
        self.log = log
    }

    package var running: [Relay] { relays }

    /// Starts what is new, changes what is different and ends what isn't there any more. A relay is known by its listening address.
    ///
    /// - Throws: ``SystemError``; nothing has changed then.
    package func apply(_ settings: [RelaySettings]) throws(SystemError) {
        try Self.check(settings)
        var listeners: [ListenAddress: [UDPSocket]] = [:]
        for new in settings where !relays.contains(where: { $0.listen == new.listen }) {
            listeners[new.listen] = try Relay.listeners(on: new.listen)
        }
        var started: [Relay] = []
        do throws(SystemError) {
            for new in settings {
                guard let sockets = listeners[new.listen] else { continue }
                started.append(try Relay(new, listeners: sockets, book: book, log: log))
            }
        } catch {
            for relay in started { relay.stop() }
            throw error
        }
        var next: [Relay] = []
        for new in settings {
            guard let relay = (relays + started).first(where: { $0.listen == new.listen }) else { continue }
            if listeners[new.listen] == nil { relay.update(new) }
            next.append(relay)
        }
        for relay in relays where !next.contains(where: { $0 === relay }) { relay.stop() }
        relays = next
    }

    /// Tells the log what each has done so far.
    package func report() {
        for relay in relays { log.note(.report(relay.counters.report), of: relay.listen) }
    }

    package func stop() {
        for relay in relays { relay.stop() }
        relays = []
    }

    /// Whether flows will be able to mark what they send.
    private static func check(_ settings: [RelaySettings]) throws(SystemError) {
        for mark in Set(settings.map(\.firewallMark)) where mark != 0 {
            _ = try UDPSocketPair.bind(port: 0, firewallMark: mark)
        }
    }
}
