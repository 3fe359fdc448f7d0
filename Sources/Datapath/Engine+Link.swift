import Glibc
import LinuxNet
import Logging
import Tunnel
import Wire

extension Engine {
    /// How long after a change in the routing table the sources are checked, so that a burst is looked at once.
    private static let routeCheckDelay = Instant.Span.milliseconds(200)

    /// Payload bytes of a segment from which on super-packets are limited.
    private static let leastPayloadToLimit = 512

    func watchLink() throws(SystemError) {
        try loop.add(link.fileDescriptor) { [unowned self] _ in
            let watch = link
            // What else the namespace tells that the interface has just left isn't about it any more.
            for event in watch.nextEvents() where watch === link { handle(event) }
        }
    }

    func routingChanged() {
        routeCheckAt = routeCheckAt ?? moment().instant + Self.routeCheckDelay
    }

    /// Takes over the state that the interface is in now.
    func readLinkState() {
        do throws(SystemError) {
            apply(try link.state())
        } catch {
            // The event that told of it has been lost among others.
            if error.code == ENODEV { return followLink() }
            logger.error("Can't read the state of the interface: \(error)")
        }
    }

    private func handle(_ event: NetworkEvent) {
        switch event {
        case .linkChanged(let state) where state.index == link.interfaceIndex:
            apply(state)
        case .linkRemoved(let index) where index == link.interfaceIndex:
            followLink()
        case .overflow:
            readLinkState()
        default:
            break
        }
    }

    /// The interface has left the namespace: for another one, where it is down at first, or for good.
    private func followLink() {
        loop.remove(link.fileDescriptor)
        do throws(SystemError) {
            guard let moved = try LinkWatch.following(device) else {
                logger.info("The interface was deleted")
                return onDeviceGone()
            }
            link = moved
            try watchLink()
            logger.info("The interface is in another network namespace now; its sockets stay in this one")
            readLinkState()
        } catch {
            logger.error("Can't follow the interface into another network namespace: \(error)")
            onDeviceGone()
        }
    }

    /// Forgets a peer's local address when its route now leaves by another interface. Protocol §11.
    func checkStickySources() {
        routeCheckAt = nil
        for peer in tunnel.peers.values {
            guard let (endpoint, source) = peer.stickyRoute, source.interfaceIndex != 0 else { continue }
            let interface = try? routing.routeInterface(
                to: endpoint.address, from: source.address, mark: firewallMark)
            if interface != source.interfaceIndex { peer.forgetSource(source) }
        }
    }

    private func apply(_ state: LinkState) {
        if state.mtu != shared.mtu {
            logger.debug("MTU updated: \(state.mtu)")
            shared.mtu = state.mtu
            limitSuperPackets()
        }
        if !state.isUp { bindFailure = 0 }
        guard state.isUp != isUp else { return }
        if state.isUp {
            goUp()
        } else {
            goDown()
        }
    }

    private func goUp() {
        do throws(SystemError) {
            try openSockets(port: listenPort)
        } catch {
            bindFailure = error.code
            return logger.error("Can't listen on UDP port \(listenPort): \(error)")
        }
        bindFailure = 0
        isUp = true
        logger.info("Interface up, listening on UDP port \(listenPort)", metadata: ["event": "interface-up"])
        tunnel.up(now: moment())
        drain()
    }

    func goDown() {
        guard isUp else { return }
        isUp = false
        tunnel.down()
        closeSockets()
        logger.info("Interface down", metadata: ["event": "interface-down"])
    }

    /// Keeps the kernel's super-packets so small that one leaves in one segmented send after it has grown by what each
    /// segment adds. Larger ones work, but cost a second send, so an MTU that leaves little to limit is let be: the
    /// kernel's own arithmetic goes wrong below some hundred bytes.
    func limitSuperPackets() {
        guard device.offloads.tcp else { return }
        let datagram = disguises.longestDatagram(mtu: shared.mtu)
        let segments = min(UDPSocket.maximumPayload(.v4) / datagram, UDPSocket.maximumSegments)
        let payload = shared.mtu - IPPacket.headerSize6 - 32
        guard segments > 1, payload >= Self.leastPayloadToLimit else { return }
        do throws(SystemError) {
            try link.limitSegmentation(bytes: segments * payload, segments: segments)
        } catch {
            logger.debug("Super-packets stay as large as the kernel makes them: \(error)")
        }
    }
}
