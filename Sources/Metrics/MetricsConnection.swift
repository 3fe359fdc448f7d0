import NIOCore
import NIOHTTP1
import NIOPosix

/// One connection: a request, its answer, the end.
final class MetricsConnection: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let pages: MetricsPages
    private let collector: NIOThreadPool
    private let patience: TimeAmount
    private let count: ConnectionCount
    private var deadline: Scheduled<Void>?
    private var isAsked = false
    /// A client that hangs up has its place until what it has asked for is found out, so that questions can't pile up.
    private var isCollecting = false { didSet { leaveWhenDone() } }
    var isClosed = false { didSet { leaveWhenDone() } }

    /// - Parameters:
    ///   - patience: the time until the connection ends in any case.
    ///   - count: counts the connection already.
    init(_ pages: MetricsPages, _ collector: NIOThreadPool, patience: TimeAmount, _ count: ConnectionCount) {
        self.pages = pages
        self.collector = collector
        self.patience = patience
        self.count = count
    }

    private func leaveWhenDone() {
        if isClosed, !isCollecting { count.leave() }
    }

    func channelActive(context: ChannelHandlerContext) {
        let channel = context.channel
        deadline = context.eventLoop.scheduleTask(in: patience) { channel.close(promise: nil) }
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        deadline?.cancel()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .head(let request) = unwrapInboundIn(data), !isAsked else { return }
        isAsked = true
        // A body that nobody wants stays with its sender.
        context.channel.setOption(.autoRead, value: false).whenFailure { _ in }
        guard request.method == .GET || request.method == .HEAD else {
            let page = MetricsPages.Page(status: .methodNotAllowed, body: ByteBuffer(string: "GET and HEAD only\n"))
            return answer(page, to: request, context)
        }
        isCollecting = true
        collector.runIfActive(eventLoop: context.eventLoop) { [pages] in pages.page(request.uri) }.assumeIsolated()
            .whenComplete { [self] result in
                isCollecting = false
                guard case .success(let page) = result, !isClosed else { return context.close(promise: nil) }
                answer(page, to: request, context)
                forgetLater(context)
            }
    }

    /// Who has asked may have nothing more to say; who hasn't is gone.
    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event as? ChannelEvent == .inputClosed, !isAsked { context.close(promise: nil) }
        context.fireUserInboundEventTriggered(event)
    }

    /// What isn't HTTP, or too much of it. What follows a question doesn't matter.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard error is HTTPParserError, context.channel.isActive else { return context.close(promise: nil) }
        if isAsked { return }
        isAsked = true
        let head = HTTPResponseHead(
            version: .http1_1, status: .badRequest, headers: ["Content-Length": "0", "Connection": "close"])
        write(head, nil, context)
    }

    private func answer(_ page: MetricsPages.Page, to request: HTTPRequestHead, _ context: ChannelHandlerContext) {
        var headers = HTTPHeaders()
        headers.add(name: "Content-Type", value: page.contentType)
        headers.add(name: "Content-Length", value: String(page.body.readableBytes))
        headers.add(name: "Cache-Control", value: "no-store")
        headers.add(name: "Connection", value: "close")
        if page.status == .methodNotAllowed { headers.add(name: "Allow", value: "GET, HEAD") }
        let head = HTTPResponseHead(version: .http1_1, status: page.status, headers: headers)
        write(head, request.method == .HEAD ? nil : page.body, context)
    }

    private func write(_ head: HTTPResponseHead, _ body: ByteBuffer?, _ context: ChannelHandlerContext) {
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        if let body { context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil) }
        context.writeAndFlush(wrapOutboundOut(.end(nil))).assumeIsolated().whenComplete { _ in
            context.close(promise: nil)
        }
    }

    /// The memory of an answer that is stale is given back, with or without a next request.
    private func forgetLater(_ context: ChannelHandlerContext) {
        context.eventLoop.scheduleTask(in: .milliseconds(1100)) { [pages, collector] in
            collector.submit { _ in pages.forget() }
        }
    }
}
