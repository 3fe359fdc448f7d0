import Glibc
import LinuxNet
import Synchronization
import Tunnel
import Wire

/// Looks names up on a thread of its own, one after another, since the system's resolver may take half a minute for one.
///
/// The thread begins with the first name. It isn't waited for at the end: it may then be in the middle of an answer that
/// nobody wants any more.
final class NameResolver: Sendable {
    struct Question: Sendable {
        let peer: PublicKey
        let name: EndpointName
        /// Tells the answer to this question from those to earlier ones.
        let number: UInt64
        /// Where the peer was last, if that is known.
        let formerEndpoint: Endpoint?
        /// The firewall mark of the tunnel's datagrams.
        let mark: UInt32
        /// Not to be asked before (``Clock/bootTime()``).
        let notBefore: UInt64
    }

    struct Answer: Sendable {
        let question: Question
        let result: Result<[Endpoint], EndpointNameError>
    }

    private struct State {
        var questions: [Question] = []
        var answers: [Answer] = []
        var hasThread = false
        var isStopped = false
    }

    private let state = Mutex(State())
    private let asked: Doorbell
    private let answered: Doorbell
    private let lookUp: @Sendable (Question) throws(EndpointNameError) -> [Endpoint]

    /// - Parameter lookUp: asks once; called on the resolver's thread.
    init(
        lookUp: @escaping @Sendable (Question) throws(EndpointNameError) -> [Endpoint]
    ) throws(SystemError) {
        asked = try Doorbell()
        answered = try Doorbell()
        self.lookUp = lookUp
    }

    /// Readable when there are answers.
    var fileDescriptor: Int32 { answered.fileDescriptor }

    /// Puts a question at the end of the queue.
    func ask(_ question: Question) {
        let needsThread = state.withLock { state in
            state.questions.append(question)
            defer { state.hasThread = true }
            return !state.hasThread
        }
        asked.ring()
        guard needsThread else { return }
        do throws(SystemError) {
            // The C library's resolver and its modules keep large buffers on the stack.
            _ = try NativeThread(name: "names", stackSize: 2 << 20) { self.run() }
        } catch {
            state.withLock { $0.hasThread = false }
        }
    }

    /// The answers since the last call.
    func takeAnswers() -> [Answer] {
        answered.silence()
        return state.withLock { state in
            defer { state.answers = [] }
            return state.answers
        }
    }

    /// Ends the thread as soon as the answer it waits for is there.
    func stop() {
        state.withLock { state in
            state.isStopped = true
            state.questions = []
        }
        asked.ring()
    }

    private func run() {
        while true {
            asked.silence()
            let now = Clock.bootTime()
            let (next, isStopped, wait) = state.withLock { state -> (Question?, Bool, UInt64?) in
                let place = state.questions.firstIndex { $0.notBefore <= now }
                let earliest = state.questions.map(\.notBefore).min()
                return (place.map { state.questions.remove(at: $0) }, state.isStopped, earliest)
            }
            if isStopped { return }
            guard let next else {
                sleep(until: wait, now: now)
                continue
            }
            let result = Result { () throws(EndpointNameError) in try lookUp(next) }
            state.withLock { $0.answers.append(Answer(question: next, result: result)) }
            answered.ring()
        }
    }

    private func sleep(until time: UInt64?, now: UInt64) {
        var wait = pollfd(fd: asked.fileDescriptor, events: Int16(POLLIN), revents: 0)
        // Rounded up; a machine that slept meanwhile asks a little later.
        let pause = time.map { Int32(clamping: ($0 > now ? $0 - now : 0) / 1_000_000 + 1) } ?? -1
        _ = poll(&wait, 1, pause)
    }
}
