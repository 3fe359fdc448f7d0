import CLinux
import Glibc

/// The list that the kernel gives in answer to a dump, gathered from what a socket receives.
struct NetlinkDump<Item> {
    enum Progress: Equatable {
        case more
        case finished
        /// The kernel's list changed while it was being read: items may be missing or there twice.
        case interrupted
        case failed(NetlinkVerdict)
    }

    private(set) var items: [Item] = []
    private let sequence: UInt32
    private var isConsistent = true

    /// - Parameter sequence: the number of the request.
    init(sequence: UInt32) {
        self.sequence = sequence
    }

    /// Takes what one system call received. Messages of other conversations and those that `parse` makes nothing of are
    /// passed over.
    mutating func take(
        _ received: UnsafeRawBufferPointer, _ parse: (NetlinkMessages.Message) -> Item?
    ) -> Progress {
        for message in NetlinkMessages(received) where message.sequence == sequence {
            if Int32(message.flags) & NLM_F_DUMP_INTR != 0 { isConsistent = false }
            if let verdict = NetlinkVerdict(message) {
                guard verdict.code == 0 || verdict.code == EINTR else { return .failed(verdict) }
                return isConsistent && verdict.code == 0 ? .finished : .interrupted
            }
            if let item = parse(message) { items.append(item) }
        }
        return .more
    }
}
