import Glibc

/// One client's connection to a ``UAPIServer``.
///
/// Either it waits for bytes, or for room for its answer; never for both.
final class UAPIConnection {
    private let descriptor: Int32
    private let loop: any ReadinessLoop
    private unowned let server: UAPIServer
    private var reader: UAPIRequestReader
    /// What was received behind an operation whose answer isn't sent yet.
    private var unread: [UInt8] = []
    private var answer: [UInt8] = []
    private var sentCount = 0
    private var closesAfterAnswer = false
    private var isClosed = false

    /// Takes over a connected, non-blocking socket.
    init(_ descriptor: Int32, server: UAPIServer) {
        self.descriptor = descriptor
        self.server = server
        loop = server.loop
        reader = UAPIRequestReader(scopes: server.scopes)
    }

    deinit {
        answer.wipe()
        unread.wipe()
    }

    func start() {
        watch()
    }

    /// Ends the connection, whatever isn't sent.
    func close() {
        guard !isClosed else { return }
        isClosed = true
        loop.unwatch(descriptor)
        Glibc.close(descriptor)
    }

    private var isAnswering: Bool { sentCount < answer.count }

    private func watch() {
        loop.watch(descriptor, readable: !isAnswering, writable: isAnswering) { [weak self] readiness in
            guard let self, !self.isClosed else { return }
            // The target may let go of the server.
            withExtendedLifetime(self.server) { self.proceed(readiness) }
        }
    }

    private func proceed(_ readiness: Readiness) {
        if isAnswering {
            guard readiness.writable else { return }
            send()
            if isClosed || isAnswering { return }
            handleUnread()
            if !isClosed, !isAnswering { watch() }
        } else if readiness.readable {
            receive()
            if !isClosed, isAnswering { watch() }
        }
    }

    private func receive() {
        let count = recv(descriptor, server.input.baseAddress, server.input.count, 0)
        guard count > 0 else {
            if count < 0, errno == EAGAIN || errno == EINTR { return }
            end()
            return
        }
        let received = UnsafeMutableRawBufferPointer(rebasing: server.input[..<count])
        handle(UnsafeRawBufferPointer(received))
        received.wipe()
    }

    private func handleUnread() {
        var rest = unread
        unread = []
        rest.withUnsafeBytes { handle($0) }
        rest.wipe()
    }

    /// Carries out the operations in `bytes` until an answer can't be sent at once.
    private func handle(_ bytes: UnsafeRawBufferPointer) {
        var bytes = bytes
        while !isClosed, !isAnswering, let request = reader.next(from: &bytes) {
            perform(request)
        }
        if !isClosed, !bytes.isEmpty { unread = Array(bytes) }
    }

    private func perform(_ request: UAPIRequest) {
        switch request {
        case .get:
            answer = UAPIResponse.status(server.target.status(), interfaceName: server.scopes.name)
        case .drops:
            answer = UAPIResponse.drops(server.target.drops())
        case .endpointNames:
            answer = UAPIResponse.endpointNames(server.target.endpointNames())
        case .report:
            answer = UAPIResponse.report(server.target.report(), interfaceName: server.scopes.name)
        case .initiate(let publicKey):
            answer = UAPIResponse.result(errno: server.target.initiate(publicKey).code)
        case .set(let change):
            answer = UAPIResponse.result(errno: server.target.apply(change))
        case .refused(let failure):
            if let sentence = failure.sentence { server.complain(sentence) }
            answer = UAPIResponse.result(errno: failure.errno)
        case .unreadable(let failure):
            closesAfterAnswer = true
            if let failure { answer = UAPIResponse.result(errno: failure.errno) }
        }
        send()
    }

    /// Sends as much of the answer as there is room for.
    private func send() {
        // The target may have stopped the server.
        guard !isClosed else { return }
        while isAnswering {
            let count = answer.withUnsafeBytes { bytes in
                let rest = UnsafeRawBufferPointer(rebasing: bytes[sentCount...])
                return Glibc.send(descriptor, rest.baseAddress, rest.count, Int32(MSG_NOSIGNAL))
            }
            if count >= 0 {
                sentCount += count
            } else if errno == EAGAIN {
                return
            } else if errno != EINTR {
                end()
                return
            }
        }
        answer.wipe()
        sentCount = 0
        if closesAfterAnswer { end() }
    }

    private func end() {
        close()
        server.forget(descriptor)
    }
}
