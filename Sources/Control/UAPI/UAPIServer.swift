import Glibc
package import Tunnel
package import Wire

/// What the configuration socket configures. Called on the thread of the server's loop.
package protocol ConfigurationTarget: AnyObject {
    /// Makes all of `change` take effect, or else nothing that could be avoided. Returns 0 or a positive errno.
    func apply(_ change: DeviceChange) -> Int32
    func status() -> DeviceStatus
    /// The names of the drop reasons, which hold neither `=` nor line ends, and how often each occurred.
    func drops() -> [(reason: String, count: UInt64)]
    /// The peers whose endpoints were given by name, with these names.
    func endpointNames() -> [(peer: PublicKey, name: String)]
    /// What is known beyond the status.
    func report() -> DeviceReport
    /// Sends an initiation to a peer now, unless one went a moment ago.
    func initiate(_ publicKey: PublicKey) -> InitiationOutcome
}

/// Serves the configuration socket: any number of operations on each of many connections. UAPI Part 1.
///
/// It never waits. A connection whose client doesn't take its answer isn't read until the client has; one whose client
/// stops in the middle of an operation keeps what it has read and does nothing. Nothing of an operation takes effect
/// before it is complete.
package final class UAPIServer {
    /// Connections served at a time. Others wait in the socket's backlog.
    package static let connectionLimit = 64

    let loop: any ReadinessLoop
    let target: any ConfigurationTarget
    let scopes: UAPIScopes
    /// Gets a sentence about a request that was refused.
    let complain: (String) -> Void
    /// Where every connection's bytes are read to, and overwritten before the handler returns.
    let input = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)
    private let socket: UAPISocket
    private let onRemoval: () -> Void
    private var connections: [Int32: UAPIConnection] = [:]
    /// Given up for a moment when the process has no descriptor left, to turn a client away.
    private var spareDescriptor = openSpareDescriptor()
    private var isRunning = false

    /// Serves `target` on `socket` from ``start()`` on. `onRemoval` is called once when the socket file is removed, upon
    /// which the process is to exit.
    ///
    /// - Parameter complain: gets a sentence about a request that was refused.
    package init(
        socket: UAPISocket, loop: any ReadinessLoop, target: any ConfigurationTarget, scopes: UAPIScopes = .system,
        complain: @escaping (String) -> Void = { _ in }, onRemoval: @escaping () -> Void
    ) {
        self.socket = socket
        self.loop = loop
        self.target = target
        self.scopes = scopes
        self.complain = complain
        self.onRemoval = onRemoval
    }

    deinit {
        stop()
        input.deallocate()
        close(spareDescriptor)
    }

    /// Begins to accept connections. Reports a removal at once if the file is gone already.
    package func start() {
        guard !isRunning else { return }
        isRunning = true
        watchListener()
        loop.watch(socket.removalDescriptor, readable: true, writable: false) { [weak self] _ in
            self?.checkRemoval()
        }
        checkRemoval()
    }

    /// Closes all connections and the socket, whose file goes.
    package func stop() {
        if isRunning {
            isRunning = false
            loop.unwatch(socket.descriptor)
            loop.unwatch(socket.removalDescriptor)
        }
        for connection in connections.values { connection.close() }
        connections.removeAll()
        socket.close()
    }

    /// Called by a connection that has closed its descriptor.
    func forget(_ descriptor: Int32) {
        connections[descriptor] = nil
        if isRunning, connections.count == Self.connectionLimit - 1 { watchListener() }
    }

    private func watchListener() {
        loop.watch(socket.descriptor, readable: true, writable: false) { [weak self] _ in
            self?.acceptAll()
        }
    }

    private func acceptAll() {
        while isRunning, connections.count < Self.connectionLimit {
            let descriptor = accept(socket.descriptor, nil, nil)
            if descriptor >= 0 {
                open(descriptor)
            } else if errno == EMFILE || errno == ENFILE {
                guard turnAway() else { return }
            } else if errno != EINTR, errno != ECONNABORTED {
                return
            }
        }
        if isRunning { loop.unwatch(socket.descriptor) }
    }

    private func open(_ descriptor: Int32) {
        guard makeNonBlocking(descriptor) else {
            close(descriptor)
            return
        }
        let connection = UAPIConnection(descriptor, server: self)
        connections[descriptor] = connection
        connection.start()
    }

    /// Closes the first waiting connection at once. False when there is none.
    private func turnAway() -> Bool {
        close(spareDescriptor)
        let descriptor = accept(socket.descriptor, nil, nil)
        if descriptor >= 0 { close(descriptor) }
        spareDescriptor = openSpareDescriptor()
        return descriptor >= 0
    }

    private func checkRemoval() {
        guard isRunning, socket.consumeRemoval() else { return }
        loop.unwatch(socket.removalDescriptor)
        onRemoval()
    }
}

private func openSpareDescriptor() -> Int32 {
    open("/dev/null", O_RDONLY | O_CLOEXEC)
}
