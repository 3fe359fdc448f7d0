import CLinux
import Glibc
import TestKit
import Testing
import Wire

@testable import LinuxNet

/// What a socket makes of a kernel that interrupts, refuses, mumbles, or sends garbage.
@Suite struct NetlinkConversationTests {
    @Test func refusalsAreRead() {
        let header = [UInt8](value(36 as UInt32) + value(0 as UInt32) + value(0 as UInt64))
        let words = attribute(1, Array("No such thing\0".utf8))
        func verdict(_ type: Int, _ flags: Int32, _ payload: [UInt8]...) -> NetlinkVerdict? {
            message(type, flags: Int(flags), payload.flatMap { $0 }).withUnsafeBytes { bytes in
                var messages = NetlinkMessages(bytes)
                return messages.next().flatMap { NetlinkVerdict($0) }
            }
        }
        let (error, done, code) = (NetlinkBytes.error, NetlinkBytes.done, value(-ENOENT))
        #expect(verdict(error, 0, value(0 as Int32), header)?.code == 0)
        #expect(verdict(error, 0, code, header)?.code == ENOENT)
        #expect(verdict(error, NLM_F_CAPPED | NLM_F_ACK_TLVS, code, header, words)?.detail == "No such thing")
        let body = [UInt8](repeating: 0xff, count: 20)
        #expect(verdict(error, NLM_F_ACK_TLVS, code, header, body, words)?.detail == "No such thing")
        #expect(verdict(error, 0, code, header, body, words)?.detail == nil)
        #expect(verdict(done, NLM_F_ACK_TLVS, code, words)?.detail == "No such thing")
        #expect(verdict(done, 0)?.code == 0)
        #expect(verdict(error, 0, [1, 2])?.code == EBADMSG)
        #expect(verdict(error, 0, value(Int32.min))?.code == .min)
        #expect(verdict(16, 0, code) == nil)
    }

    @Test func interruptedListsAreReadAgain() throws {
        let kernel = FakeKernel()
        func number(_ number: UInt32, sequence: UInt32, flags: Int = NetlinkBytes.isPart) -> [UInt8] {
            message(16, sequence: sequence, flags: flags, value(number))
        }
        kernel.send(number(1, sequence: 1, flags: NetlinkBytes.isPart | NetlinkBytes.isInterrupted))
        kernel.send(end(sequence: 1))
        kernel.send(end(-EINTR, sequence: 2))
        // The second is from another conversation.
        kernel.send(number(1, sequence: 3), number(9, sequence: 1), number(2, sequence: 3))
        kernel.send(number(3, sequence: 3), end(sequence: 3))
        var socket = NetlinkSocket(adopting: OwnedDescriptor(owning: kernel.socket))
        var request = NetlinkRequest(16, flags: 0, 0 as UInt32)
        let items = try socket.dump(&request, "list") { $0.payload.loadUnaligned(as: UInt32.self) }
        #expect(items == [1, 2, 3])
        #expect(kernel.requests().count == 3)
    }

    @Test func aListThatNeverHoldsStillIsGivenUp() throws {
        let kernel = FakeKernel()
        for sequence in 1...20 as ClosedRange<UInt32> {
            kernel.send(end(sequence: sequence, flags: NetlinkBytes.isInterrupted))
        }
        #expect(listing(kernel)?.code == EINTR)
        #expect(kernel.requests().count == 20)
    }

    @Test func refusedListsSayWhy() {
        let kernel = FakeKernel()
        kernel.send(NetlinkBytes.verdict(EOPNOTSUPP, sequence: 1))
        #expect(listing(kernel)?.description == "cannot list: Operation not supported")
    }

    @Test func refusalsOfManyRequestsAreTold() throws {
        let kernel = FakeKernel()
        // The requests go out 128 at a time.
        kernel.send(NetlinkBytes.verdict(EEXIST, sequence: 3), NetlinkBytes.verdict(EPERM, sequence: 500))
        kernel.send(NetlinkBytes.verdict(sequence: 128))
        kernel.send(NetlinkBytes.verdict(EINVAL, sequence: 130))
        var socket = NetlinkSocket(adopting: OwnedDescriptor(owning: kernel.socket))
        let requests = [NetlinkRequest](repeating: NetlinkRequest(16, flags: 0, 0 as UInt32), count: 130)
        let refusals = try socket.perform(requests, "do much")
        #expect(refusals.map(\.position) == [2, 129])
        #expect(refusals.map(\.verdict.code) == [EEXIST, EINVAL])
        let sent = kernel.requests().map { $0.withUnsafeBytes { NetlinkMessages($0).map { ($0.sequence, $0.flags) } } }
        #expect(sent.map(\.count) == [128, 2])
        #expect(sent.joined().map(\.0) == Array(1...130))
        #expect(sent.joined().filter { Int32($0.1) & NLM_F_ACK != 0 }.map(\.0) == [128, 130])
    }

    @Test func damagedConversationsAreHarmless() {
        var random = SeededRandom(seed: 3)
        let words = Int(NLM_F_ACK_TLVS)
        let refusal = value(-EINVAL) + [UInt8](repeating: 20, count: 40)
        let whole =
            message(16, sequence: 7, [UInt8](repeating: 1, count: 40))
            + message(16, sequence: 7, attribute(3, attribute(1, [1, 2, 3, 4])))
            + message(NetlinkBytes.error, sequence: 7, flags: words, refusal)
            + message(NetlinkBytes.done, sequence: 7, flags: words, value(0 as Int32) + attribute(1, [65, 0]))
        for _ in 0..<20_000 {
            var bytes = whole
            for _ in 0..<Int.random(in: 0...4, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = .random(in: 0...255, using: &random)
            }
            bytes.removeLast(Int.random(in: 0...bytes.count, using: &random))
            bytes.withUnsafeBytes { bytes in
                var dump = NetlinkDump<Int>(sequence: 7)
                _ = dump.take(bytes) { $0.payload.count }
                #expect(dump.items.reduce(0, +) <= bytes.count)
                for message in NetlinkMessages(bytes) { parseAll(message) }
            }
        }
    }

    @Test func damagedListsAreHarmless() {
        var random = SeededRandom(seed: 4)
        let samples = [
            NetlinkRequest(
                RTM_NEWADDR, flags: 0,
                ifaddrmsg(ifa_family: 10, ifa_prefixlen: 64, ifa_flags: 0, ifa_scope: 0, ifa_index: 2)),
            route.request(RTM_NEWROUTE, flags: 0), rule.request(RTM_NEWRULE, flags: 0),
        ].map { $0.finished(sequence: 0) }
        for round in 0..<30_000 {
            var bytes = samples[round % samples.count]
            for _ in 0..<Int.random(in: 0...3, using: &random) {
                bytes[Int.random(in: 16..<bytes.count, using: &random)] = .random(in: 0...255, using: &random)
            }
            bytes.withUnsafeBytes { for message in NetlinkMessages($0) { parseAll(message) } }
        }
        let read = samples[1].withUnsafeBytes { bytes in NetlinkMessages(bytes).compactMap { Route(parsing: $0) } }
        #expect(read == [route])
        let rules = samples[2].withUnsafeBytes { bytes in NetlinkMessages(bytes).compactMap { PolicyRule(parsing: $0) }
        }
        #expect(rules == [rule])
    }

    private var route: Route {
        var route = Route(Prefix("fd00::/64")!, interface: 7, gateway: IPAddress("fe80::1"), table: 51820)
        (route.mtu, route.preferredSource) = (1300, IPAddress("fd00::1"))
        return route
    }

    private var rule: PolicyRule {
        var rule = PolicyRule(isIPv6: true, table: 51820, priority: 7)
        (rule.mark, rule.markMask, rule.isInverted, rule.suppressedPrefixLength) = (7, 0xff, true, 0)
        (rule.source, rule.destination, rule.incomingInterface) = (Prefix("fd00::/8"), Prefix("fe80::/10"), "lo")
        return rule
    }

    private func parseAll(_ message: NetlinkMessages.Message) {
        _ = NetlinkVerdict(message)?.detail
        _ = LinkState(parsing: message)
        _ = AssignedAddress(parsing: message)
        _ = Route(parsing: message)?.description
        _ = RouteAnswer(parsing: message)
        _ = PolicyRule(parsing: message)?.description
    }
}

/// The error that reading a list ends in.
private func listing(_ kernel: FakeKernel) -> SystemError? {
    var socket = NetlinkSocket(adopting: OwnedDescriptor(owning: kernel.socket))
    var request = NetlinkRequest(16, flags: 0, 0 as UInt32)
    do throws(SystemError) {
        _ = try socket.dump(&request, "list") { _ in () }
        return nil
    } catch {
        return error
    }
}

private func end(_ code: Int32 = 0, sequence: UInt32, flags: Int = 0) -> [UInt8] {
    message(NetlinkBytes.done, sequence: sequence, flags: NetlinkBytes.isPart | flags, value(code))
}

private func message(_ type: Int, sequence: UInt32 = 0, flags: Int = 0, _ payload: [UInt8]) -> [UInt8] {
    NetlinkBytes.message(type, sequence: sequence, flags: flags, payload)
}

private func attribute(_ type: Int, _ contents: [UInt8]) -> [UInt8] {
    NetlinkBytes.attribute(type, contents)
}

private func value(_ number: some FixedWidthInteger) -> [UInt8] {
    NetlinkBytes.value(number)
}
