import Glibc
import TestKit
import Testing
import Tunnel
import Wire

@testable import Control
@testable import LinuxNet

/// The kernel's family `wireguard`, played by prepared bytes.
@Suite struct KernelDeviceTests {
    @Test func statusIsRead() throws {
        let status = try read([
            device(
                privateKey: 1, port: 51820, mark: 0xca6c,
                peers: [
                    peer(
                        2, attribute(2, bytes(9)), attribute(4, endpoint4), attribute(5, value(25 as UInt16)),
                        attribute(6, value(1_700_000_000 as Int64), value(123_456_789 as Int64)),
                        attribute(7, value(564 as UInt64)), attribute(8, value(476 as UInt64)),
                        attribute(9, allowed([10, 0, 0, 0], 8), allowed([192, 168, 4, 0], 22)),
                        attribute(10, value(1 as UInt32)), attribute(99, [1, 2, 3])),
                    peer(3, attribute(2, bytes(0)), attribute(4, endpoint6), attribute(9, allowed(bytes6, 64))),
                ])
        ])
        #expect(status.privateKey?.bytes == Bytes32(bytes(1)))
        #expect(status.listenPort == 51820)
        #expect(status.firewallMark == 0xca6c)
        try #require(status.peers.count == 2)
        let (first, second) = (status.peers[0], status.peers[1])
        #expect(first.publicKey == key(2) && second.publicKey == key(3))
        #expect(first.presharedKey.bytes == Bytes32(bytes(9)) && second.presharedKey.isZero)
        #expect(first.endpoint?.description == "192.0.2.1:51820")
        #expect(second.endpoint?.description == "[fe80::1%7]:51820")
        #expect(first.persistentKeepalive == 25)
        #expect(first.lastHandshake == WallTime(seconds: 1_700_000_000, nanoseconds: 123_456_789))
        #expect(first.receivedBytes == 564 && first.transmittedBytes == 476)
        #expect(first.allowedIPs.map(\.description) == ["10.0.0.0/8", "192.168.4.0/22"])
        #expect(second.allowedIPs.map(\.description) == ["2001:db8::/64"])
    }

    @Test func aPeerThatIsPartedIsJoined() throws {
        let status = try read([
            device(
                privateKey: 1, port: 7, mark: 0, peers: [peer(2), peer(3, attribute(9, allowed([10, 0, 0, 0], 8)))]),
            attribute(8, peer(3, attribute(9, allowed([11, 0, 0, 0], 8))), peer(4)),
            attribute(8, peer(4, attribute(9, allowed([12, 0, 0, 0], 8)))),
            attribute(8, peer(5)),
        ])
        #expect(status.listenPort == 7)
        #expect(status.peers.map(\.publicKey) == [key(2), key(3), key(4), key(5)])
        #expect(
            status.peers.map { $0.allowedIPs.map(\.description) } == [
                [], ["10.0.0.0/8", "11.0.0.0/8"], ["12.0.0.0/8"], [],
            ])
        #expect(try read([attribute(2, Array("wg0\0".utf8))]).privateKey == nil)
    }

    @Test func aStatusThatChangesIsReadAgain() throws {
        let kernel = FakeKernel.withFamily()
        let old = device(privateKey: nil, port: 1, mark: 0, peers: [peer(2)])
        let new = device(privateKey: nil, port: 2, mark: 0, peers: [peer(3)])
        kernel.send(answer(old, sequence: 2, flags: NetlinkBytes.isPart | NetlinkBytes.isInterrupted))
        kernel.send(end(sequence: 2))
        kernel.send(answer(new, sequence: 3), end(sequence: 3))
        let status = try status(kernel)
        #expect(status.listenPort == 2)
        #expect(status.peers.map(\.publicKey) == [key(3)])
        let request = kernel.requests()[1]
        #expect(
            request
                == NetlinkBytes.message(
                    family, sequence: 2, flags: 0x301, [0, 1, 0, 0], attribute(2, Array("wg0\0".utf8))))
    }

    @Test func refusalsArePassedOn() throws {
        for code in [ENODEV, EOPNOTSUPP, EPERM] {
            let kernel = FakeKernel.withFamily()
            kernel.send(NetlinkBytes.verdict(code, sequence: 2))
            let error = #expect(throws: SystemError.self) { try status(kernel) }
            #expect(error?.code == code)
        }
        let kernel = FakeKernel()
        kernel.send(NetlinkBytes.verdict(ENOENT, sequence: 1))
        let error = #expect(throws: SystemError.self) { try status(kernel) }
        #expect(error?.code == ENOENT)
    }

    @Test(.enabled(if: access("/sys/module/wireguard", F_OK) != 0, "this kernel has WireGuard"))
    func aKernelWithoutWireGuardSaysWhatToDo() {
        let error = #expect(throws: SystemError.self) { try KernelDevice(interface: "wg0").status() }
        #expect(error?.code == EPROTONOSUPPORT)
        #expect(error?.advice?.contains("modprobe wireguard") == true)
        let long = #expect(throws: SystemError.self) {
            try KernelDevice(interface: "abcdefghijklmnop").apply(DeviceChange())
        }
        #expect(long?.code == ENAMETOOLONG)
    }

    @Test func aChangeIsWritten() throws {
        var change = DeviceChange()
        change.privateKey = Secret32(Bytes32(bytes(1))!)
        change.listenPort = 51820
        change.firewallMark = 7
        change.replacesPeers = true
        var full = PeerChange(key(2))
        full.presharedKey = Secret32(Bytes32(bytes(3))!)
        full.endpoint = Endpoint(.v4(IPv4Address(0xc000_0201)), port: 51820)
        full.persistentKeepalive = 25
        full.replacesAllowedIPs = true
        full.allowedIPs = [.add(Prefix("10.0.0.0/8")!), .remove(Prefix("2001:db8::/64")!)]
        var removed = PeerChange(key(4))
        removed.removes = true
        removed.allowedIPs = [.add(Prefix("10.0.0.0/8")!)]
        var updated = PeerChange(key(5))
        updated.updatesOnly = true
        change.peers = [full, removed, updated]
        let requests = try written(change)
        let name = attribute(2, Array("wg0\0".utf8))
        func nest(_ type: Int, _ contents: [UInt8]...) -> [UInt8] { attribute(type | 0x8000, contents.flatMap { $0 }) }
        let first = nest(
            0, attribute(1, bytes(2)), attribute(3, value(2 as UInt32)), attribute(2, bytes(3)),
            attribute(4, endpoint4), attribute(5, value(25 as UInt16)),
            nest(
                9,
                nest(0, attribute(1, value(2 as UInt16)), attribute(2, [10, 0, 0, 0]), attribute(3, [8])),
                nest(
                    0, attribute(1, value(10 as UInt16)), attribute(2, bytes6), attribute(3, [64]),
                    attribute(4, value(1 as UInt32)))))
        let peers = nest(
            8, first, nest(0, attribute(1, bytes(4)), attribute(3, value(1 as UInt32))),
            nest(0, attribute(1, bytes(5)), attribute(3, value(4 as UInt32))))
        let expected = NetlinkBytes.message(
            family, sequence: 2, flags: 5, [1, 1, 0, 0], name, attribute(3, bytes(1)),
            attribute(6, value(51820 as UInt16)), attribute(7, value(7 as UInt32)), attribute(5, value(1 as UInt32)),
            peers)
        #expect(requests == [expected])
        #expect(
            try written(DeviceChange()) == [NetlinkBytes.message(family, sequence: 2, flags: 5, [1, 1, 0, 0], name)])
    }

    @Test func longChangesAreSpreadOverMessages() throws {
        var change = DeviceChange()
        change.replacesPeers = true
        change.listenPort = 1
        var random = SeededRandom(seed: 5)
        for number in 0..<300 {
            var peer = PeerChange(PublicKey(Bytes32(value(UInt64(number)) + bytes(7).dropFirst(8))!))
            peer.replacesAllowedIPs = true
            peer.updatesOnly = number % 3 == 0
            peer.persistentKeepalive = 1
            for _ in 0..<(number % 50 == 7 ? 600 : Int.random(in: 0...4, using: &random)) {
                let host = UInt32.random(in: 0 ... .max, using: &random)
                peer.allowedIPs.append(.add(Prefix(.v4(IPv4Address(host)), length: 32)!))
            }
            change.peers.append(peer)
        }
        var requests: [[UInt8]] = []
        var writer = KernelChangeWriter(change, interface: "wg0")
        while !writer.isFinished {
            var request = NetlinkRequest(family, flags: 0, 0 as UInt32)
            writer.write(to: &request)
            requests.append(request.finished(sequence: 0))
        }
        #expect(requests.count > 10)
        #expect(requests.allSatisfy { $0.count <= 8192 })

        // Put together as the kernel would.
        var peers: [(key: PublicKey, allowedIPs: [Prefix])] = []
        for (number, request) in requests.enumerated() {
            let (attributes, status) = try #require(parts(of: request))
            #expect(attributes.contains(6) == (number == 0))
            #expect(attributes.contains(5) == (number == 0))
            for (position, peer) in status.enumerated() {
                let isContinued = position == 0 && peers.last?.key == peer.key
                let index = try #require(change.peers.firstIndex { $0.publicKey == peer.key })
                let updatesOnly: UInt32 = change.peers[index].updatesOnly ? 4 : 0
                #expect(peer.flags == (isContinued ? 0 : 2) | updatesOnly)
                #expect(peer.hasKeepalive == !isContinued)
                if isContinued {
                    peers[peers.count - 1].allowedIPs += peer.allowedIPs
                } else {
                    peers.append((peer.key, peer.allowedIPs))
                }
            }
        }
        #expect(peers.map(\.key) == change.peers.map(\.publicKey))
        #expect(peers.map { $0.allowedIPs.map { .add($0) } } == change.peers.map(\.allowedIPs))
    }

    @Test func damagedStatusesAreHarmless() {
        var random = SeededRandom(seed: 6)
        let whole = device(
            privateKey: 1, port: 51820, mark: 7,
            peers: [
                peer(2, attribute(4, endpoint6), attribute(9, allowed([10, 0, 0, 0], 8), allowed(bytes6, 64))),
                peer(3, attribute(6, value(1 as Int64), value(2 as Int64))),
            ])
        var readable = 0
        for round in 0..<20_000 {
            var bytes = whole
            for _ in 0..<Int.random(in: 0...3, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = .random(in: 0...255, using: &random)
            }
            if round % 4 == 0 { bytes.removeLast(Int.random(in: 0...bytes.count, using: &random)) }
            let parts = bytes.withUnsafeBytes { bytes in
                [
                    KernelStatusReader.part(NetlinkAttributes(bytes, after: 0)),
                    KernelStatusReader.part(NetlinkAttributes(bytes, after: 8)),
                ]
            }
            let status = KernelStatusReader.joined(parts)
            #expect(status.peers.count <= bytes.count / 18)
            if !status.peers.isEmpty { readable += 1 }
        }
        #expect((1000..<20_000).contains(readable))
        #expect(KernelStatusReader.joined([]).peers.isEmpty)
    }

    private let family = 30
    private let endpoint4: [UInt8] = [2, 0, 0xca, 0x6c, 192, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0]
    private let endpoint6: [UInt8] =
        [10, 0, 0xca, 0x6c, 0, 0, 0, 0, 0xfe, 0x80] + [UInt8](repeating: 0, count: 13) + [1, 7, 0, 0, 0]
    private let bytes6: [UInt8] = [0x20, 0x01, 0x0d, 0xb8] + [UInt8](repeating: 0, count: 12)

    /// The status that these parts make, each the attributes of one message.
    private func read(_ parts: [[UInt8]]) throws -> DeviceStatus {
        let kernel = FakeKernel.withFamily()
        for part in parts { kernel.send(answer(part, sequence: 2)) }
        kernel.send(end(sequence: 2))
        return try status(kernel)
    }

    private func status(_ kernel: FakeKernel) throws -> DeviceStatus {
        var netlink = try connection(kernel)
        return try KernelDevice.status(of: "wg0", "read it", over: &netlink)
    }

    /// The requests that a change makes.
    private func written(_ change: DeviceChange) throws -> [[UInt8]] {
        let kernel = FakeKernel.withFamily()
        for sequence in 2...5 as ClosedRange<UInt32> { kernel.send(NetlinkBytes.verdict(sequence: sequence)) }
        var netlink = try connection(kernel)
        try KernelDevice.apply(change, to: "wg0", "change it", over: &netlink)
        return Array(kernel.requests().dropFirst())
    }

    private func connection(_ kernel: FakeKernel) throws -> GenericNetlink {
        try GenericNetlink(
            family: "wireguard", over: NetlinkSocket(adopting: OwnedDescriptor(owning: kernel.socket)))
    }

    private typealias WrittenPeer = (key: PublicKey, flags: UInt32, hasKeepalive: Bool, allowedIPs: [Prefix])

    /// What a request to the kernel holds: the types of its attributes, and its peers.
    private func parts(of request: [UInt8]) -> (attributes: [Int], peers: [WrittenPeer])? {
        request.withUnsafeBytes { bytes in
            var messages = NetlinkMessages(bytes)
            guard let message = messages.next(), messages.next() == nil else { return nil }
            let attributes = NetlinkAttributes(message.payload, after: 4)
            let status = KernelStatusReader.part(attributes)
            let nests = attributes.first { $0.type == 8 }.map { Array($0.nested) } ?? []
            let peers = zip(status.peers, nests).map { peer, nest in
                (
                    peer.publicKey, nest.nested.first { $0.type == 3 }?.number ?? 0,
                    nest.nested.contains { $0.type == 5 }, peer.allowedIPs
                )
            }
            return (attributes.map(\.type), peers)
        }
    }

    private func answer(_ attributes: [UInt8], sequence: UInt32, flags: Int = NetlinkBytes.isPart) -> [UInt8] {
        NetlinkBytes.message(family, sequence: sequence, flags: flags, [0, 1, 0, 0], attributes)
    }

    private func end(sequence: UInt32) -> [UInt8] {
        NetlinkBytes.message(NetlinkBytes.done, sequence: sequence, flags: NetlinkBytes.isPart, value(0 as Int32))
    }

    private func device(privateKey: UInt8?, port: UInt16, mark: UInt32, peers: [[UInt8]]) -> [UInt8] {
        attribute(1, value(5 as UInt32)) + attribute(2, Array("wg0\0".utf8))
            + (privateKey.map { attribute(3, bytes($0)) } ?? []) + attribute(6, value(port))
            + attribute(7, value(mark)) + attribute(8, peers.flatMap { $0 })
    }

    private func peer(_ key: UInt8, _ attributes: [UInt8]...) -> [UInt8] {
        attribute(0x8000, attribute(1, bytes(key)), attributes.flatMap { $0 })
    }

    private func allowed(_ address: [UInt8], _ length: UInt8) -> [UInt8] {
        let family: UInt16 = address.count == 4 ? 2 : 10
        return attribute(0x8000, attribute(1, value(family)), attribute(2, address), attribute(3, [length]))
    }

    private func attribute(_ type: Int, _ contents: [UInt8]...) -> [UInt8] {
        NetlinkBytes.attribute(type, contents.flatMap { $0 })
    }

    private func value(_ number: some FixedWidthInteger) -> [UInt8] { NetlinkBytes.value(number) }

    private func bytes(_ value: UInt8) -> [UInt8] { [UInt8](repeating: value, count: 32) }

    private func key(_ value: UInt8) -> PublicKey { PublicKey(Bytes32(bytes(value))!) }
}

extension FakeKernel {
    /// One that has told the number of its family, 30.
    fileprivate static func withFamily() -> FakeKernel {
        let kernel = FakeKernel()
        kernel.send(
            NetlinkBytes.message(
                16, sequence: 1, [1, 2, 0, 0], NetlinkBytes.attribute(2, Array("wireguard\0".utf8)),
                NetlinkBytes.attribute(1, NetlinkBytes.value(30 as UInt16))))
        return kernel
    }
}
