import CLinux
import Glibc

extension SendBatch {
    /// Sends all messages in order, with a way round each refusal that has one.
    mutating func transmit(on socket: borrowing UDPSocket, _ report: inout SendReport) {
        var patience = waitsForRoom ? 4 : 0
        var next = 0
        while next < count {
            if isSegmented(next), !socket.supportsSegmentation {
                sendParts(of: next, on: socket, &patience, &report)
                next += 1
                continue
            }
            switch SystemCall.send(socket.number, messages + next, count: runLength(from: next, on: socket)) {
            case .bytes(let accepted):
                for index in next..<next + accepted { report.sent += datagramCount(index) }
                next += accepted
            case .wouldBlock:
                if waitForRoom(on: socket, &patience) { continue }
                drop(next, EAGAIN, &report)
                next += 1
            case .failed(ENOBUFS):
                if waitForRoom(on: socket, &patience) { continue }
                drop(next, ENOBUFS, &report)
                next += 1
            case .failed(let code):
                if hasSource(next), Self.mayBlameSource(code) {
                    removeSource(next)
                    report.refusedSources |= 1 << UInt64(next)
                    continue
                }
                if isSegmented(next), Self.mayBlameSegmentation(code) {
                    if code == EIO { socket.turnSegmentationOff() }
                    sendParts(of: next, on: socket, &patience, &report)
                } else {
                    drop(next, code, &report)
                }
                next += 1
            }
        }
    }

    /// Messages from `first` that can go as they are.
    private func runLength(from first: Int, on socket: borrowing UDPSocket) -> Int {
        guard !socket.supportsSegmentation else { return count - first }
        var end = first
        while end < count, !isSegmented(end) { end += 1 }
        return max(1, end - first)
    }

    /// Sends a segmented message as datagrams of their own, which the IP layer may also fragment.
    private mutating func sendParts(
        of index: Int, on socket: borrowing UDPSocket, _ patience: inout Int, _ report: inout SendReport
    ) {
        let total = datagramCount(index)
        var first = 0
        while first < total {
            let available = takeApart(index, from: first)
            switch SystemCall.send(socket.number, parts, count: available) {
            case .bytes(let accepted):
                report.sent += accepted
                first += accepted
            case .wouldBlock where waitForRoom(on: socket, &patience),
                .failed(ENOBUFS) where waitForRoom(on: socket, &patience):
                continue
            case .failed(let code) where hasSource(index) && Self.mayBlameSource(code):
                removeSource(index)
                report.refusedSources |= 1 << UInt64(index)
            case .wouldBlock:
                report.addDropped(total - first, EAGAIN)
                return
            case .failed(let code):
                report.addDropped(total - first, code)
                return
            }
        }
    }

    private func drop(_ index: Int, _ code: Int32, _ report: inout SendReport) {
        report.addDropped(datagramCount(index), code)
    }

    /// Waits a while until the socket takes more; false when it isn't worth waiting any longer.
    private func waitForRoom(on socket: borrowing UDPSocket, _ patience: inout Int) -> Bool {
        guard patience > 0, !socket.isInterrupted else { return false }
        patience -= 1
        var descriptor = pollfd(fd: socket.number, events: Int16(POLLOUT), revents: 0)
        _ = SystemCall.poll(&descriptor, count: 1, milliseconds: 250)
        return true
    }

    /// An address or interface that is gone, or that has no route to the destination. Protocol §11.
    private static func mayBlameSource(_ code: Int32) -> Bool {
        switch code {
        case EINVAL, ENODEV, ENXIO, EADDRNOTAVAIL, ENETUNREACH, EHOSTUNREACH, ENETDOWN: true
        default: false
        }
    }

    /// EIO: no checksum offload, or IPsec. EMSGSIZE, in some kernels EINVAL: a segment exceeds the path's MTU.
    private static func mayBlameSegmentation(_ code: Int32) -> Bool {
        code == EIO || code == EMSGSIZE || code == EINVAL
    }
}

extension SendReport {
    mutating func addDropped(_ datagrams: Int, _ code: Int32) {
        dropped += datagrams
        error = code
    }
}
