import CLinux
import Glibc
import TestKit
import Testing
import Wire

@testable import LinuxNet

/// What a socket makes of a kernel that interrupts, refuses, mumbles, or sends garbage.
@Suite struct NetlinkConversationTests {
    @Test func refusalsAreRead() {
        let header = nlmsghdr(nlmsg_len: 36, nlmsg_type: 0, nlmsg_flags: 0, nlmsg_seq: 0, nlmsg_pid: 0)
        let words = attribute(1, Array("No such thing\0".utf8))
        func verdict(_ type: Int32, _ flags: Int32, _ payload: [UInt8]) -> NetlinkVerdict? {
            message(type, flags: flags, payload).withUnsafeBytes { bytes in
                var messages = NetlinkMessages(bytes)
                return messages.next().flatMap { NetlinkVerdict($0) }
            }
        }
        let code = bytes(of: -ENOENT)
        #expect(verdict(NLMSG_ERROR, 0, bytes(of: 0 as Int32) + bytes(of: header))?.code == 0)
        #expect(verdict(NLMSG_ERROR, 0, code + bytes(of: header))?.code == ENOENT)
        let capped = verdict(NLMSG_ERROR, NLM_F_CAPPED | NLM_F_ACK_TLVS, code + bytes(of: header) + words)
        #expect(capped?.detail == "No such thing")
        let repeated = code + bytes(of: header) + [UInt8](repeating: 0xff, count: 20) + words
        #expect(verdict(NLMSG_ERROR, NLM_F_ACK_TLVS, repeated)?.detail == "No such thing")
        #expect(verdict(NLMSG_DONE, NLM_F_ACK_TLVS, code + words)?.detail == "No such thing")
        #expect(verdict(NLMSG_DONE, 0, [])?.code == 0)
        #expect(verdict(NLMSG_ERROR, 0, [1, 2])?.code == EBADMSG)
        #expect(verdict(NLMSG_ERROR, 0, bytes(of: Int32.min))?.code == .min)
        #expect(verdict(16, 0, code) == nil)
    }

    @Test func interruptedListsAreReadAgain() throws {
        let kernel = try FakeKernel()
        kernel.answer { sequence in
            [
                message(16, sequence: sequence, flags: NLM_F_MULTI | NLM_F_DUMP_INTR, bytes(of: 1 as UInt32)),
                message(NLMSG_DONE, sequence: sequence, flags: NLM_F_MULTI, bytes(of: 0 as Int32)),
            ]
        }
        kernel.answer { sequence in
            [message(NLMSG_DONE, sequence: sequence, flags: NLM_F_MULTI, bytes(of: -EINTR))]
        }
        kernel.answer { sequence in
            [
                // From another conversation.
                message(16, sequence: sequence &- 1, bytes(of: 9 as UInt32)),
                message(16, sequence: sequence, bytes(of: 1 as UInt32))
                    + message(16, sequence: sequence, bytes(of: 2 as UInt32)),
                message(16, sequence: sequence, bytes(of: 3 as UInt32))
                    + message(NLMSG_DONE, sequence: sequence, bytes(of: 0 as Int32)),
            ]
        }
        var socket = kernel.takeSocket()
        var request = NetlinkRequest(16, flags: 0, 0 as UInt32)
        let items = try socket.dump(&request, "list") { $0.payload.loadUnaligned(as: UInt32.self) }
        #expect(items == [1, 2, 3])
        kernel.wait()
    }

    @Test func aListThatNeverHoldsStillIsGivenUp() throws {
        let kernel = try FakeKernel()
        for _ in 0..<20 {
            kernel.answer { [message(NLMSG_DONE, sequence: $0, flags: NLM_F_DUMP_INTR, bytes(of: 0 as Int32))] }
        }
        var socket = kernel.takeSocket()
        var request = NetlinkRequest(16, flags: 0, 0 as UInt32)
        var code: Int32 = 0
        do throws(SystemError) {
            _ = try socket.dump(&request, "list") { _ in () }
        } catch {
            code = error.code
        }
        #expect(code == EINTR)
        kernel.wait()
    }

    @Test func damagedConversationsAreHarmless() {
        var random = SeededRandom(seed: 3)
        let whole =
            message(16, sequence: 7, [UInt8](repeating: 1, count: 40))
            + message(16, sequence: 7, attribute(3, attribute(1, [1, 2, 3, 4])))
            + message(
                NLMSG_ERROR, sequence: 7, flags: NLM_F_ACK_TLVS, bytes(of: -EINVAL) + [UInt8](repeating: 20, count: 40))
            + message(NLMSG_DONE, sequence: 7, flags: NLM_F_ACK_TLVS, bytes(of: 0 as Int32) + attribute(1, [65, 0]))
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

/// The kernel's end of a netlink socket, played by a thread that gives prepared answers, one for each request.
private final class FakeKernel: @unchecked Sendable {
    // Safe: only used by the test until the thread starts, by the thread until it has ended.
    private var answers: [@Sendable (UInt32) -> [[UInt8]]] = []
    private let ends: [Int32]
    private var thread: NativeThread?

    init() throws {
        var ends: [Int32] = [0, 0]
        guard socketpair(AF_UNIX, Int32(SOCK_SEQPACKET.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
            throw SystemError(errno, "make a pair of sockets")
        }
        self.ends = ends
    }

    /// Adds an answer; it is given the request's number.
    func answer(_ body: @escaping @Sendable (UInt32) -> [[UInt8]]) {
        answers.append(body)
    }

    /// Starts to answer on the other end of the result.
    func takeSocket() -> NetlinkSocket {
        thread = try? NativeThread(name: "kernel") { [self] in
            for answer in answers {
                var request = [UInt8](repeating: 0, count: 4096)
                guard recv(ends[1], &request, request.count, 0) >= 16 else { break }
                let sequence = request.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 8, as: UInt32.self) }
                for datagram in answer(sequence) { send(ends[1], datagram, datagram.count, Int32(MSG_NOSIGNAL)) }
            }
            close(ends[1])
        }
        return NetlinkSocket(adopting: OwnedDescriptor(owning: ends[0]))
    }

    func wait() {
        thread?.join()
    }
}

private func message(_ type: Int32, sequence: UInt32 = 0, flags: Int32 = 0, _ payload: [UInt8]) -> [UInt8] {
    var header = nlmsghdr()
    header.nlmsg_len = UInt32(16 + payload.count)
    header.nlmsg_type = UInt16(type)
    header.nlmsg_flags = UInt16(flags)
    header.nlmsg_seq = sequence
    return padded(bytes(of: header) + payload)
}

private func attribute(_ type: UInt16, _ value: [UInt8]) -> [UInt8] {
    padded(bytes(of: UInt16(4 + value.count)) + bytes(of: type) + value)
}

private func padded(_ bytes: [UInt8]) -> [UInt8] {
    bytes + [UInt8](repeating: 0, count: -bytes.count & 3)
}

private func bytes<Value>(of value: Value) -> [UInt8] {
    withUnsafeBytes(of: value) { Array($0) }
}
