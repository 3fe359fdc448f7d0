package import Control
import Glibc
package import LinuxNet
import NIOCore
import NIOHTTP1
import NIOPosix
import Wire

/// Answers HTTP requests for metrics, on two threads of its own: one for the connections, one that looks at the interface.
///
/// Whoever asks gets one answer on a connection, and little time and room for the question.
package final class MetricsServer {
    /// What clients get of a daemon that has other things to do.
    package struct Limits: Sendable {
        /// Connections at the same time; one more is closed at once.
        package var connections = 32
        /// From the beginning of a connection to the end of the answer.
        package var patience = Duration.seconds(15)
        /// Bytes of a request's head.
        package var requestBytes = 16 << 10

        package init() {}
    }

    private let group: MultiThreadedEventLoopGroup
    private let collector: NIOThreadPool
    private let channel: any Channel

    /// Listens. Signals are blocked in its threads as far as they are in the caller's.
    package init(_ address: MetricsAddress, _ pages: MetricsPages, limits: Limits = Limits()) throws(SystemError) {
        group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        collector = NIOThreadPool(numberOfThreads: 1)
        collector.start()
        let count = ConnectionCount()
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 64)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { [collector] channel in
                guard count.enter(limit: limits.connections) else {
                    return channel.eventLoop.makeFailedFuture(TooManyClients())
                }
                return channel.eventLoop.makeCompletedFuture {
                    let connection = MetricsConnection(pages, collector, patience: TimeAmount(limits.patience), count)
                    channel.closeFuture.assumeIsolated().whenComplete { _ in connection.isClosed = true }
                    var sizes = NIOHTTPDecoderLimitConfiguration()
                    sizes.maxHeaderFieldSize = limits.requestBytes
                    sizes.maxHeaderListSize = limits.requestBytes
                    sizes.maxHeaderFieldCount = 64
                    let decoder = HTTPRequestDecoder(limitConfiguration: sizes)
                    try channel.pipeline.syncOperations.addHandlers([
                        HTTPResponseEncoder(), ByteToMessageHandler(decoder), connection,
                    ])
                }
            }
        do {
            let endpoint = EndpointName(address.endpoint)
            let socketAddress = try SocketAddress.makeAddressResolvingHost(
                endpoint.host, port: Int(address.endpoint.port))
            channel = try bootstrap.bind(to: socketAddress).wait()
        } catch {
            try? collector.syncShutdownGracefully()
            try? group.syncShutdownGracefully()
            throw Self.failure(error, address)
        }
    }

    /// The port that it listens on.
    package var port: UInt16 { UInt16(clamping: channel.localAddress?.port ?? 0) }

    /// Ends all connections. Whatever looks at the interface has to come back for this to do so.
    package func stop() {
        try? channel.close().wait()
        try? collector.syncShutdownGracefully()
        try? group.syncShutdownGracefully()
    }

    private static func failure(_ error: any Error, _ address: MetricsAddress) -> SystemError {
        let code = (error as? IOError)?.errnoCode ?? EINVAL
        let advice: String? =
            switch code {
            case EADDRINUSE: "another program has this port, or another interface's metrics: choose another one"
            case EADDRNOTAVAIL: "this machine doesn't have this address"
            case EACCES: "ports below 1024 need root or CAP_NET_BIND_SERVICE"
            default: nil
            }
        return SystemError(code, "listen on \(address) for metrics", advice: advice)
    }
}

private struct TooManyClients: Error {}
