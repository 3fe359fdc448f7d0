import NoisePrimitives
import Synchronization
import Wire

/// The two transport keys of a session, with the counters that go with them. Protocol §6 and §7.
///
/// Lanes seal and open with it at the same time: the keys don't change, the sending counter is atomic and the
/// replay window is locked once per run of datagrams.
package final class Keypair: Sendable {
    /// Whose session it is.
    package let peer: Peer
    /// The receiver index of what the peer sends.
    package let localIndex: UInt32
    /// The receiver index of what is sent to the peer.
    package let remoteIndex: UInt32
    /// Whether the handshake was begun here: then its renewal is, too.
    package let isInitiator: Bool
    /// When the keys were derived.
    package let created: Instant

    private let limits: SessionLimits
    private let sending: TransportCipher
    private let receiving: TransportCipher
    private let counter = Atomic<UInt64>(0)
    private let sendingEnded = Atomic<Bool>(false)
    private let window = Mutex(ReplayWindow())

    init(_ keys: SessionKeys, peer: Peer, limits: SessionLimits, created: Instant) {
        self.peer = peer
        self.limits = limits
        self.created = created
        localIndex = keys.localIndex
        remoteIndex = keys.remoteIndex
        isInitiator = keys.isInitiator
        sending = TransportCipher(key: keys.sending)
        receiving = TransportCipher(key: keys.receiving)
    }

    /// Whether nothing has been sealed yet.
    var isFresh: Bool { counter.load(ordering: .relaxed) == 0 }

    /// Whether packets may still be sealed at `now`.
    package func canSend(at now: Instant) -> Bool {
        !sendingEnded.load(ordering: .relaxed) && now.since(created) < limits.rejectAfter
            && counter.load(ordering: .relaxed) < Limits.rejectAfterMessages
    }

    /// Whether packets may still be opened at `now`.
    package func canReceive(at now: Instant) -> Bool {
        now.since(created) < limits.rejectAfter
    }

    /// Whether it is time to ask for the next session after sending.
    func wantsRekeyAfterSending(at now: Instant) -> Bool {
        counter.load(ordering: .relaxed) > limits.rekeyAfterMessages
            || (isInitiator && now.since(created) > limits.rekeyAfter)
    }

    /// Whether it is time to ask for the next session after receiving.
    func wantsRekeyAfterReceiving(at now: Instant) -> Bool {
        isInitiator && now.since(created) > limits.rekeyOnReceiveAfter
    }

    /// Reserves `count` consecutive counters and returns the first; nil when the session has no more.
    package func reserve(_ count: Int) -> UInt64? {
        let first = counter.wrappingAdd(UInt64(count), ordering: .relaxed).oldValue
        guard first <= Limits.rejectAfterMessages, UInt64(count) <= Limits.rejectAfterMessages - first else {
            counter.store(Limits.rejectAfterMessages, ordering: .relaxed)
            return nil
        }
        return first
    }

    /// Makes a data message in place: the padded packet of `length` bytes stands 16 bytes after `slot`.
    ///
    /// The slot has room for ``Message/Data/overhead`` bytes more than `length`.
    package func seal(_ slot: UnsafeMutableRawPointer, length: Int, counter: UInt64) {
        slot.storeLittleEndian(Message.Kind.data.rawValue, at: 0)
        slot.storeLittleEndian(remoteIndex, at: Message.Data.receiver)
        slot.storeLittleEndian(counter, at: Message.Data.counter)
        seal(body: slot + Message.Data.headerSize, length: length, counter: counter)
    }

    /// Encrypts the padded packet of `length` bytes at `body` in place. Its tag follows it, for which there is room; its header, which
    /// names ``remoteIndex`` and the counter, is the caller's.
    package func seal(body: UnsafeMutableRawPointer, length: Int, counter: UInt64) {
        sending.seal(body, count: length, counter: counter)
    }

    /// Decrypts a data message of `length` bytes in place, leaving its padded packet 16 bytes after `slot`.
    ///
    /// - Returns: the message's counter, for the replay window; nil when it doesn't authenticate.
    package func open(_ slot: UnsafeMutableRawPointer, length: Int) -> UInt64? {
        let counter = UnsafeRawPointer(slot).littleEndian64(at: Message.Data.counter)
        guard counter < Limits.rejectAfterMessages else { return nil }
        let isAuthentic = receiving.open(
            slot + Message.Data.headerSize, count: length - Message.Data.headerSize, counter: counter)
        return isAuthentic ? counter : nil
    }

    /// Decrypts ciphertext and tag, `length` bytes together, in place, leaving the padded packet at `body`; false when they don't
    /// authenticate under this counter.
    package func open(body: UnsafeMutableRawPointer, length: Int, counter: UInt64) -> Bool {
        counter < Limits.rejectAfterMessages && receiving.open(body, count: length, counter: counter)
    }

    /// Passes authenticated counters through the replay window, under one lock: `body` gets the check.
    package func withReplayWindow<R>(_ body: (inout ReplayWindow) -> R) -> R {
        window.withLock { body(&$0) }
    }

    /// Ends sending, as a change of the private key does; receiving goes on until the session expires, or until nobody finds
    /// it by its index any more.
    func endSending() {
        sendingEnded.store(true, ordering: .relaxed)
    }

    /// Sets the sending counter, for tests of its limits.
    package func setCounter(_ value: UInt64) {
        counter.store(value, ordering: .relaxed)
    }
}
