import LinuxNet
import Logging
import Tunnel
import Wire

extension Engine {
    /// How long after a change in the routing table the sources are checked, so that a burst is looked at once.
    private static let routeCheckDelay = Instant.Span.milliseconds(200)

    func handle(_ event: NetworkEvent) {
        switch event {
        case .linkChanged(let link) where link.index == device.interfaceIndex:
            apply(link)
        case .linkRemoved(let index) where index == device.interfaceIndex:
            logger.info("The interface was deleted")
            onDeviceGone()
        case .routesChanged, .addressesChanged:
            routeCheckAt = routeCheckAt ?? moment().instant + Self.routeCheckDelay
        case .overflow:
            readLinkState()
            routeCheckAt = routeCheckAt ?? moment().instant + Self.routeCheckDelay
        case .linkChanged, .linkRemoved:
            break
        }
    }

    /// Takes over the state that the interface is in now.
    func readLinkState() {
        do throws(SystemError) {
            apply(try netlink.link(index: device.interfaceIndex))
        } catch {
            logger.error("Can't read the state of the interface: \(error)")
        }
    }

    /// Forgets a peer's local address when its route now leaves by another interface. Protocol §11.
    func checkStickySources() {
        routeCheckAt = nil
        for peer in tunnel.peers.values {
            guard let (endpoint, source) = peer.stickyRoute, source.interfaceIndex != 0 else { continue }
            let interface = try? netlink.routeInterface(
                to: endpoint.address, from: source.address, mark: firewallMark)
            if interface != source.interfaceIndex { peer.forgetSource(source) }
        }
    }

    private func apply(_ link: LinkState) {
        if link.mtu != shared.mtu {
            logger.debug("MTU updated: \(link.mtu)")
            shared.mtu = link.mtu
            limitSuperPackets()
        }
        guard link.isUp != isUp else { return }
        if link.isUp {
            goUp()
        } else {
            goDown()
        }
    }

    private func goUp() {
        do throws(SystemError) {
            try openSockets(port: listenPort)
        } catch {
            return logger.error("Can't listen on UDP port \(listenPort): \(error)")
        }
        isUp = true
        logger.debug("Interface up, listening on UDP port \(listenPort)")
        tunnel.up(now: moment())
        drain()
    }

    func goDown() {
        guard isUp else { return }
        isUp = false
        tunnel.down()
        closeSockets()
        logger.debug("Interface down")
    }

    /// Keeps the kernel's super-packets so small that one leaves in one segmented send after it has grown by what each
    /// segment adds. Larger ones work, but cost a second send.
    func limitSuperPackets() {
        guard device.offloads.tcp else { return }
        let datagram = shared.mtu + Message.Data.overhead
        let segments = min(UDPSocket.maximumPayload(.v4) / datagram, UDPSocket.maximumSegments)
        guard segments > 1 else { return }
        do throws(SystemError) {
            try device.limitSegmentation(
                bytes: segments * (shared.mtu - IPPacket.headerSize6 - 32), segments: segments)
        } catch {
            logger.debug("Super-packets stay as large as the kernel makes them: \(error)")
        }
    }
}
