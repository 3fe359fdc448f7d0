import LinuxNet
import Logging

extension Engine {
    /// Binds `port`, starts receiving on it and takes it into use; then the sockets before close. When it throws,
    /// everything is as it was.
    func openSockets(port: UInt16) throws(SystemError) {
        let pair = try UDPSocketPair.bind(port: port, firewallMark: firewallMark, options: options.sockets)
        var threads: [NativeThread] = []
        do throws(SystemError) {
            for socket in [pair.v4, pair.v6].compactMap({ $0 }) {
                threads.append(try startReceiver(on: socket))
            }
        } catch {
            stop(threads, on: pair)
            throw error
        }
        let old = sockets.replace(with: pair)
        stop(receivers, on: old)
        receivers = threads
        listenPort = pair.port
    }

    func closeSockets() {
        stop(receivers, on: sockets.replace(with: nil))
        receivers = []
    }

    private func startReceiver(on socket: UDPSocket) throws(SystemError) -> NativeThread {
        let name = "\(device.name)-in\(socket.family == .v4 ? 4 : 6)"
        return try NativeThread(name: name) {
            [device, shared, handshakes, outbound, dialects, mismatches, laneEnds, logger] in
            do throws(SystemError) {
                var lane = try InboundLane(
                    socket: socket, device: device, shared: shared, handshakes: handshakes, outbound: outbound,
                    dialects: dialects, mismatches: mismatches)
                laneEnds.report(lane.run())
            } catch {
                logger.error("Can't receive: \(error)")
            }
        }
    }

    private func stop(_ threads: [NativeThread], on pair: UDPSocketPair?) {
        pair?.v4?.interrupt()
        pair?.v6?.interrupt()
        for thread in threads { thread.join() }
    }
}
