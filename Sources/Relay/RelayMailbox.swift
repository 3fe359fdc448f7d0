import LinuxNet
import Synchronization
import Wire

/// What a relay's thread is told by others.
final class RelayMailbox: Sendable {
    enum Letter: Sendable {
        case update(RelaySettings)
        case found(RelayEndpoint, [Endpoint])
        case notFound(RelayEndpoint, AddressBookError)
        case stop
    }

    private let letters = Mutex<[Letter]>([])
    private let bell: Doorbell

    init() throws(SystemError) {
        bell = try Doorbell()
    }

    /// Readable while there are letters.
    var fileDescriptor: Int32 { bell.fileDescriptor }

    func put(_ letter: Letter) {
        letters.withLock { $0.append(letter) }
        bell.ring()
    }

    func takeAll() -> [Letter] {
        bell.silence()
        return letters.withLock { letters in
            defer { letters = [] }
            return letters
        }
    }
}
