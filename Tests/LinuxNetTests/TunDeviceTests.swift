import CLinux
import Glibc
import Testing
import Wire

@testable import LinuxNet

@Suite(.serialized, .needsRoot) struct TunDeviceTests {
    @Test func isCreatedWithOffloadsAndDefaults() throws {
        let namespace = try Namespace()
        let device = try namespace.inside { try TunDevice.create(name: "wg%d") }
        #expect(device.name == "wg0")
        #expect(device.offloads.virtioHeader && device.offloads.tcp)
        #expect(device.interfaceIndex == (try namespace.inside { if_nametoindex("wg0") }))
        #expect(try namespace.inside { try device.mtu() } == 1420)
        #expect(fcntl(device.fileDescriptor, F_GETFL) & O_NONBLOCK != 0)
        #expect(fcntl(device.fileDescriptor, F_GETFD) & FD_CLOEXEC != 0)

        try namespace.inside { try device.setMTU(9000) }
        #expect(try namespace.inside { try device.mtu() } == 9000)
        let error = #expect(throws: SystemError.self) { try namespace.inside { try device.setMTU(70_000) } }
        #expect(error?.code == EINVAL)
    }

    @Test func hasNoLinkLocalAddress() throws {
        let namespace = try Namespace()
        let device = try namespace.inside { try TunDevice.create(name: "wg0", mtu: 1280) }
        try namespace.ip("link set wg0 up")
        #expect(try namespace.run("ip -6 address show dev wg0").isEmpty)
        #expect(try namespace.run("ip -d link show wg0").contains("addrgenmode none"))
        #expect(try namespace.inside { try device.mtu() } == 1280)
    }

    @Test func offloadsCanBeLeftOff() throws {
        let namespace = try Namespace()
        for wanted in [
            TunDevice.Offloads.none, .init(virtioHeader: true, tcp: false, udp: false), .init(tcp: true, udp: false),
        ] {
            let device = try namespace.inside { try TunDevice.create(name: "wg0", offloads: wanted) }
            #expect(device.offloads == wanted)
            let features = try namespace.run("ethtool -k wg0")
            #expect(features.contains("tcp-segmentation-offload: \(wanted.tcp ? "on" : "off")"))
            #expect(features.contains("tx-udp-segmentation: off"))
        }
    }

    @Test func aPersistentDeviceKeepsItsSettings() throws {
        let namespace = try Namespace()
        try namespace.ip("tuntap add wg7 mode tun")
        try namespace.ip("link set wg7 mtu 1300")
        let device = try namespace.inside { try TunDevice.create(name: "wg7") }
        #expect(device.offloads.virtioHeader)
        #expect(try namespace.inside { try device.mtu() } == 1300)
        let busy = #expect(throws: SystemError.self) { try namespace.inside { try TunDevice.create(name: "wg7") } }
        #expect(busy?.code == EBUSY)
        #expect(busy?.description.contains("another program uses it") == true)
    }

    @Test func impossibleNamesAreExplained() throws {
        let namespace = try Namespace()
        for name in ["", "sixteen-bytes-xx", "a/b", "lo"] {
            let error = #expect(throws: SystemError.self) {
                try namespace.inside { try TunDevice.create(name: name) }
            }
            #expect(error?.code == EINVAL)
            #expect(error?.advice?.contains("name") == true)
        }
    }

    @Test func packetsPassBothWays() throws {
        let (namespace, device) = try network()
        let socket = try namespace.inside { try UDPSocket.bind(.v4, port: 0) }
        var outgoing = SendBatch()
        let payload = pattern(300)
        payload.withUnsafeBytes { bytes in
            outgoing.add(bytes, to: Endpoint(IPAddress("10.0.0.2")!, port: 999), tos: 1)
            let report = outgoing.send(on: socket)
            #expect(report.sent == 1)
        }
        var packet = try next(device)
        #expect(packet.count == 10 + 28 + 300)
        #expect(packet[10] == 0x45 && packet[11] == 1)
        #expect([UInt8](packet[38...]) == payload)

        // Turned round, with the checksum left out, it is an answer.
        packet.replaceSubrange(0..<10, with: [UInt8](repeating: 0, count: 10))
        let (source, destination) = (packet[22..<26], packet[26..<30])
        packet.replaceSubrange(22..<30, with: destination + source)
        let ports = packet[32..<34] + packet[30..<32]
        packet.replaceSubrange(30..<34, with: ports)
        packet.replaceSubrange(36..<38, with: [0, 0])
        let result = packet.withUnsafeMutableBytes { bytes in
            let base = bytes.baseAddress!
            let slices = [
                iovec(iov_base: base, iov_len: 10), iovec(iov_base: base + 10, iov_len: 28),
                iovec(iov_base: base + 38, iov_len: 300),
            ]
            return device.write(slices, count: slices.count)
        }
        #expect(result == .bytes(338))
        #expect(try collect(from: socket, datagrams: 1) == [payload])
        #expect(read(device) == .wouldBlock)
    }

    @Test func segmentedSendsAreReadWhole() throws {
        let (namespace, device) = try network()
        let socket = try namespace.inside { try UDPSocket.bind(.v4, port: 0) }
        let payload = pattern(5 * 1000)
        try send(payload, on: socket)
        if device.offloads.udp {
            let packet = try next(device)
            #expect(packet.count == 10 + 28 + 5000)
            #expect(packet[1] == 5)
            // Each limit turns it back into packets.
            try limitSegmentation(of: device, bytes: 4000, segments: 64)
            try send(payload, on: socket)
            for _ in 0..<5 { #expect(try next(device).count == 10 + 28 + 1000) }
            try limitSegmentation(of: device, bytes: 60_000, segments: 4)
            try send(payload, on: socket)
        }
        for _ in 0..<5 { #expect(try next(device).count == 10 + 28 + 1000) }
        #expect(read(device) == .wouldBlock)
    }

    /// Follows the device into its namespace, so that the test's own thread needn't be in there.
    private func limitSegmentation(of device: TunDevice, bytes: Int, segments: Int) throws {
        try #require(try LinkWatch.following(device)).limitSegmentation(bytes: bytes, segments: segments)
    }

    @Test func linkSettingsAreApplied() throws {
        let (namespace, device) = try network()
        try limitSegmentation(of: device, bytes: 60_000, segments: 64)
        let description = try namespace.run("ip -d link show \(device.name)")
        #expect(description.contains("gso_max_size 60000"))
        #expect(description.contains("gso_max_segs 64"))
    }

    @Test func waitingEndsByPacketOrRing() throws {
        let (namespace, device) = try network()
        let bell = try Doorbell()
        let watch = try TunWatch(device, doorbell: bell)
        let socket = try namespace.inside { try UDPSocket.bind(.v4, port: 0) }
        for rings in [true, false] {
            let thread = try NativeThread(name: "waker") {
                usleep(30_000)
                if rings { bell.ring() } else { _ = try? send(pattern(10), on: socket) }
            }
            let start = Clock.bootTime()
            #expect(watch.wait() == (rings ? .rung : .readable))
            #expect(Clock.bootTime() - start >= 20_000_000)
            thread.join()
            bell.silence()
        }
        bell.ring()
        #expect(watch.wait() == .rung)
    }

    @Test func aPausedWatchSleepsUntilItIsResumed() throws {
        let (namespace, device) = try network()
        let watch = try TunWatch(device, doorbell: try Doorbell())
        let socket = try namespace.inside { try UDPSocket.bind(.v4, port: 0) }
        watch.pause()
        try send(pattern(10), on: socket)
        let thread = try NativeThread(name: "resumer") {
            usleep(30_000)
            watch.resume()
        }
        let start = Clock.bootTime()
        #expect(watch.wait() == .readable)
        #expect(Clock.bootTime() - start >= 20_000_000)
        thread.join()
        watch.pause()
        watch.resume()
        #expect(watch.wait() == .readable)
    }

    @Test func aDeletedInterfaceIsNoticed() throws {
        let (namespace, device) = try network()
        let watch = try TunWatch(device, doorbell: try Doorbell())
        let thread = try NativeThread(name: "deleter") {
            usleep(30_000)
            try? namespace.ip("link del \(device.name)")
        }
        #expect(watch.wait() == .readable)
        thread.join()
        #expect(read(device) == .failed(EBADFD))
        var bytes = pattern(100)
        let result = bytes.withUnsafeMutableBytes { bytes in
            var slice = iovec(iov_base: bytes.baseAddress, iov_len: bytes.count)
            return device.write(&slice, count: 1)
        }
        #expect(result == .failed(EBADFD))
        let error = #expect(throws: SystemError.self) { try namespace.inside { try device.mtu() } }
        #expect(error?.code == ENODEV)
    }

    @Test func aDescriptorIsAdopted() throws {
        let namespace = try Namespace()
        let adopted = try namespace.inside {
            let first = try TunDevice.create(name: "wg3")
            let copy = dup(first.fileDescriptor)
            return try TunDevice(adopting: copy)
        }
        #expect(adopted.name == "wg3")
        #expect(adopted.offloads.virtioHeader)
        #expect(fcntl(adopted.fileDescriptor, F_GETFD) & FD_CLOEXEC != 0)
        #expect(try namespace.inside { try adopted.mtu() } == 1420)
    }

    @Test func aPlainDescriptorIsAdoptedWithoutHeaders() throws {
        let namespace = try Namespace()
        let adopted = try namespace.inside {
            try TunDevice(adopting: openRaw(name: "plain", flags: Int32(IFF_TUN) | Int32(IFF_NO_PI)))
        }
        #expect(adopted.offloads == .none)
        #expect(adopted.name == "plain")
    }

    @Test func otherDescriptorsAreRefusedAndClosed() throws {
        let namespace = try Namespace()
        for isTap in [true, false] {
            let (adopted, stayedOpen) = try namespace.inside {
                let flags = Int32(IFF_TAP) | Int32(IFF_NO_PI)
                let number = try isTap ? openRaw(name: "odd", flags: flags) : open("/dev/null", O_RDWR)
                var before = stat()
                var after = stat()
                fstat(number, &before)
                let adopted = try? TunDevice(adopting: number)
                // Another thread may reuse the number at once, for another file.
                let isOpen =
                    fstat(number, &after) == 0 && before.st_rdev == after.st_rdev && before.st_ino == after.st_ino
                return (adopted != nil, isOpen)
            }
            #expect(!adopted)
            #expect(!stayedOpen)
        }
        let error = #expect(throws: SystemError.self) { try TunDevice(adopting: 9999) }
        #expect(error?.code == EBADF)
    }

    private func network() throws -> (Namespace, TunDevice) {
        let namespace = try Namespace()
        let device = try namespace.inside { try TunDevice.create(name: "wg0") }
        try namespace.ip("address add 10.0.0.1/24 dev wg0")
        try namespace.ip("link set wg0 up")
        return (namespace, device)
    }

    private func read(_ device: TunDevice) -> IOResult {
        withUnsafeTemporaryAllocation(byteCount: TunDevice.maximumReadSize, alignment: 8) { device.read(into: $0) }
    }

    /// The next packet with its header, waiting for it.
    private func next(_ device: TunDevice) throws -> [UInt8] {
        var wait = pollfd(fd: device.fileDescriptor, events: Int16(POLLIN), revents: 0)
        try #require(poll(&wait, 1, 3000) == 1)
        var buffer = [UInt8](repeating: 0, count: TunDevice.maximumReadSize)
        guard case .bytes(let count) = buffer.withUnsafeMutableBytes({ device.read(into: $0) }) else {
            throw SystemError(errno, "read a packet")
        }
        return Array(buffer[..<count])
    }
}

private func send(_ payload: [UInt8], on socket: UDPSocket) throws {
    var outgoing = SendBatch()
    payload.withUnsafeBytes { bytes in
        outgoing.add(bytes, segmentSize: 1000, to: Endpoint(IPAddress("10.0.0.2")!, port: 999))
        let report = outgoing.send(on: socket)
        #expect(report.dropped == 0)
    }
}

/// Opens a TUN or TAP device as another program might.
private func openRaw(name: String, flags: Int32) throws -> Int32 {
    let number = open("/dev/net/tun", O_RDWR)
    var request = InterfaceRequest(name: name)
    request.flags = flags
    guard number >= 0, clinux_ioctl_address(number, CLINUX_TUNSETIFF, &request.form) == 0 else {
        throw SystemError(errno, "open a device")
    }
    return number
}
