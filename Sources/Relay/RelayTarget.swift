import LinuxNet
import Tunnel
import Wire

/// The address that a relay sends on to, and how it is found when the endpoint is given by name.
struct RelayTarget {
    private(set) var endpoint: Endpoint?
    /// When to ask for the name again after a failure.
    private(set) var nextLookUp: Instant?

    private let book: any AddressBook
    private let mailbox: RelayMailbox
    private var name: RelayEndpoint?
    private var isAsking = false
    private var isSilent = false
    private var lastLookUp: Instant?
    /// Seconds until the next try.
    private var pause = Self.firstPause

    private static var firstPause: Int { 1 }
    private static var longestPause: Int { 60 }
    /// The least time between two questions because of silence.
    private static var patience: Instant.Span { .seconds(30) }

    init(book: any AddressBook, mailbox: RelayMailbox) {
        self.book = book
        self.mailbox = mailbox
    }

    /// Takes another endpoint, or asks again for the name of the same one.
    mutating func aim(at name: RelayEndpoint, now: Instant) {
        if name != self.name { endpoint = name.numeric }
        self.name = name
        isSilent = false
        pause = Self.firstPause
        nextLookUp = nil
        if name.numeric == nil { lookUp(now: now) }
    }

    /// Asks for the name on a thread of its own, which puts the answer into the mailbox.
    mutating func lookUp(now: Instant) {
        nextLookUp = nil
        guard let name, name.numeric == nil, !isAsking else { return }
        isAsking = true
        lastLookUp = now
        do throws(SystemError) {
            // The C library's resolver and its modules keep large buffers on the stack.
            _ = try NativeThread(name: "names", stackSize: 2 << 20) { [book, mailbox] in
                do throws(AddressBookError) {
                    mailbox.put(.found(name, try book.addresses(of: name)))
                } catch {
                    mailbox.put(.notFound(name, error))
                }
            }
        } catch {
            mailbox.put(.notFound(name, AddressBookError("\(error)")))
        }
    }

    /// The endpoint doesn't answer; returns whether its name is asked for again.
    mutating func isSilentNow(now: Instant) -> Bool {
        guard let name, name.numeric == nil, !isAsking,
            now.since(lastLookUp ?? Instant(nanoseconds: 0)) >= Self.patience
        else { return false }
        isSilent = true
        lookUp(now: now)
        return true
    }

    /// Takes an answer; returns the address if it is another one now.
    mutating func found(_ name: RelayEndpoint, _ endpoints: [Endpoint], now: Instant) -> Endpoint? {
        isAsking = false
        guard name == self.name else {
            lookUp(now: now)
            return nil
        }
        pause = Self.firstPause
        defer { isSilent = false }
        let former = endpoint
        if let former, let place = endpoints.firstIndex(of: former) {
            // Of several addresses one that is silent gives its turn to the next.
            if isSilent { endpoint = endpoints[(place + 1) % endpoints.count] }
        } else {
            endpoint = endpoints.first ?? former
        }
        return endpoint == former ? nil : endpoint
    }

    /// Takes a failure; returns after how many seconds the name is asked for again.
    mutating func notFound(_ name: RelayEndpoint, now: Instant) -> Int? {
        isAsking = false
        guard name == self.name else {
            lookUp(now: now)
            return nil
        }
        defer { pause = min(2 * pause, Self.longestPause) }
        nextLookUp = now + .seconds(UInt64(pause))
        return pause
    }
}
