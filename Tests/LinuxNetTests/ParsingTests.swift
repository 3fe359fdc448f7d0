import CLinux
import Glibc
import TestKit
import Testing
import Wire

@testable import LinuxNet

@Suite struct ParsingTests {
    @Test(arguments: [
        Endpoint(.v4(IPv4Address(0xc000_0201)), port: 51820),
        Endpoint(.v6(IPv6Address(high: 0x2001_0db8_0000_0000, low: 1)), port: 1),
        Endpoint(.v6(IPv6Address(high: 0xfe80_0000_0000_0000, low: 2)), port: 65535, scope: 7),
    ])
    func socketAddressesRoundTrip(endpoint: Endpoint) {
        withUnsafeTemporaryAllocation(byteCount: SocketAddress.capacity, alignment: 8) { buffer in
            let length = SocketAddress.store(endpoint, to: buffer.baseAddress!)
            #expect(Int(length) == (endpoint.address.isIPv6 ? 28 : 16))
            #expect(SocketAddress.load(from: buffer.baseAddress!) == endpoint)
        }
    }

    @Test func scopesOfGlobalAddressesAreIgnored() {
        let endpoint = Endpoint(.v6(IPv6Address(high: 0x2001_0db8_0000_0000, low: 1)), port: 1, scope: 9)
        withUnsafeTemporaryAllocation(byteCount: SocketAddress.capacity, alignment: 8) { buffer in
            _ = SocketAddress.store(endpoint, to: buffer.baseAddress!)
            #expect(SocketAddress.load(from: buffer.baseAddress!).scope == 0)
        }
    }

    static let sources = [
        SourceAddress(.v4(IPv4Address(0x0a00_0001)), interfaceIndex: 3),
        SourceAddress(.v6(IPv6Address(high: 0xfd00_0000_0000_0000, low: 1)), interfaceIndex: .max),
    ]

    @Test(arguments: sources) func controlMessagesRoundTrip(source: SourceAddress) {
        let area = controlArea(source)
        let control = area.withUnsafeBytes { ReceivedControl(parsing: $0) }
        #expect(control.local == source)
        #expect(control.tos == 0x8a)
        // The option of sending isn't one of receiving.
        #expect(control.segmentSize == 0)
    }

    @Test func segmentSizesAreRead() {
        var header = cmsghdr()
        header.cmsg_len = 20
        header.cmsg_level = Int32(CLINUX_SOL_UDP)
        header.cmsg_type = Int32(CLINUX_UDP_GRO)
        for (value, expected) in [(1452 as Int32, 1452), (-1, 0), (.min, 0)] {
            let area = withUnsafeBytes(of: header) { Array($0) } + withUnsafeBytes(of: value) { Array($0) }
            #expect(area.withUnsafeBytes { ReceivedControl(parsing: $0) }.segmentSize == expected)
        }
    }

    @Test func mutatedControlMessagesAreHarmless() {
        var random = SeededRandom(seed: 1)
        var stillSourced = 0
        for round in 0..<20_000 {
            var area = controlArea(Self.sources[round & 1])
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                area[Int.random(in: 0..<area.count, using: &random)] = .random(in: 0...255, using: &random)
            }
            area.removeLast(Int.random(in: 0...area.count, using: &random))
            let control = area.withUnsafeBytes { ReceivedControl(parsing: $0) }
            #expect(control.segmentSize >= 0)
            if control.local != nil { stillSourced += 1 }
        }
        #expect((1..<20_000).contains(stillSourced))
        #expect(ReceivedControl(parsing: UnsafeRawBufferPointer(start: nil, count: 0)).local == nil)
    }

    @Test func linkMessagesAreRead() {
        #expect(
            parse(linkMessage()) == [
                .linkChanged(LinkState(index: 7, name: "wg0", isUp: true, mtu: 1420, kind: nil))
            ])
        #expect(parse(linkMessage(RTM_DELLINK)) == [.linkRemoved(index: 7)])
        #expect(parse(linkMessage(family: AF_BRIDGE)) == [])
        #expect(parse(linkMessage(RTM_DELLINK, family: AF_BRIDGE)) == [])
    }

    @Test func routeAndAddressChangesMakeOneEventEach() {
        let route = NetlinkRequest(RTM_NEWROUTE, flags: 0, rtmsg()).finished(sequence: 0)
        let address = NetlinkRequest(RTM_DELADDR, flags: 0, ifaddrmsg()).finished(sequence: 0)
        let unknown = NetlinkRequest(RTM_NEWRULE, flags: 0, rtmsg()).finished(sequence: 0)
        #expect(
            parse(route + unknown + address + route + linkMessage(RTM_DELLINK) + address) == [
                .routesChanged, .addressesChanged, .linkRemoved(index: 7),
            ])
    }

    @Test func everyTruncationOfNetlinkIsHarmless() {
        let whole = linkMessage() + linkMessage(RTM_DELLINK)
        let first = linkMessage().count
        for count in 0...whole.count {
            let events = parse(Array(whole[..<count]))
            #expect(events.count == (count < first ? 0 : count < whole.count ? 1 : 2))
        }
    }

    @Test func mutatedAndRandomNetlinkIsHarmless() {
        var random = SeededRandom(seed: 2)
        let whole = linkMessage() + linkMessage(RTM_DELLINK) + linkMessage()
        var found = 0
        for _ in 0..<20_000 {
            var bytes = whole
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = .random(in: 0...255, using: &random)
            }
            found += parse(bytes).count
            let noise = random.bytes(Int.random(in: 0...100, using: &random))
            #expect(parse(noise).count <= noise.count / MemoryLayout<nlmsghdr>.size)
        }
        #expect((20_000...60_000).contains(found))
    }

    @Test func interfaceNamesAreCut() {
        #expect(InterfaceRequest(name: "wg0").name == "wg0")
        #expect(InterfaceRequest(name: "abcdefghijklmnopqrstuvwxyz").name == "abcdefghijklmno")
        var request = InterfaceRequest(name: "")
        request.flags = 0x8000
        #expect(request.flags == 0x8000)
    }

    private func parse(_ bytes: [UInt8]) -> [NetworkEvent] {
        bytes.withUnsafeBytes { NetworkEvent.parse($0) }
    }

    private func linkMessage(_ type: Int = RTM_NEWLINK, family: Int32 = AF_UNSPEC) -> [UInt8] {
        var header = ifinfomsg()
        header.ifi_family = UInt8(family)
        header.ifi_index = 7
        header.ifi_flags = UInt32(IFF_UP)
        var request = NetlinkRequest(type, flags: 0, header)
        request.add(Int(IFLA_IFNAME), (UInt8(ascii: "w"), UInt8(ascii: "g"), UInt8(ascii: "0"), 0 as UInt8))
        request.add(Int(IFLA_MTU), 1420 as UInt32)
        return request.finished(sequence: 0)
    }

    private func controlArea(_ source: SourceAddress) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: 128) { buffer, count in
            let start = UnsafeMutableRawPointer(buffer.baseAddress!)
            start.initializeMemory(as: UInt8.self, repeating: 0, count: 128)
            count = ControlMessage.storeSegmentSize(1452, to: start)
            count += ControlMessage.storeTOS(0x8a, isIPv6: source.address.isIPv6, to: start + count)
            count += ControlMessage.storeSource(source, to: start + count)
        }
    }
}
