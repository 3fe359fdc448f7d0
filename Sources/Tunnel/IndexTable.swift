import NoisePrimitives
import Synchronization

/// Which handshake or session a receiver index belongs to, unique per device. Protocol §4.
package final class IndexTable: Sendable {
    enum Entry {
        case handshake(Peer)
        case session(Keypair)
    }

    private let entries = Mutex<[UInt32: Entry]>([:])

    /// Reserves a random index for a handshake of `peer`.
    func allocate(for peer: Peer, random: any RandomSource) -> UInt32 {
        while true {
            let index = random.uint32()
            let isFree = entries.withLock { entries in
                guard entries[index] == nil else { return false }
                entries[index] = .handshake(peer)
                return true
            }
            if isFree { return index }
        }
    }

    /// Hands the index of a finished handshake to the session that came out of it.
    func promote(_ keypair: Keypair) {
        entries.withLock { $0[keypair.localIndex] = .session(keypair) }
    }

    func release(_ index: UInt32) {
        entries.withLock { _ = $0.removeValue(forKey: index) }
    }

    /// The session that receives under `index`.
    package func session(_ index: UInt32) -> Keypair? {
        entries.withLock { entries in
            if case .session(let keypair) = entries[index] { keypair } else { nil }
        }
    }

    /// The peer whose outstanding initiation carries `index`.
    func initiator(_ index: UInt32) -> Peer? {
        entries.withLock { entries in
            if case .handshake(let peer) = entries[index] { peer } else { nil }
        }
    }

    /// The peer of a handshake or session, for a cookie reply.
    func owner(_ index: UInt32) -> Peer? {
        entries.withLock { entries in
            switch entries[index] {
            case .handshake(let peer): peer
            case .session(let keypair): keypair.peer
            case nil: nil
            }
        }
    }

    /// Whether a handshake or session has `index`.
    package func isKnown(_ index: UInt32) -> Bool { owner(index) != nil }

    /// The number of indices in use.
    package var count: Int { entries.withLock { $0.count } }
}
