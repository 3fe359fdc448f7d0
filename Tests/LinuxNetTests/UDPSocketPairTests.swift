import Glibc
import Testing
import Wire

@testable import LinuxNet

@Suite struct UDPSocketPairTests {
    @Test func bothFamiliesShareARandomPort() throws {
        let pair = try UDPSocketPair.bind(port: 0)
        #expect(pair.port != 0)
        #expect(pair.v4?.port == pair.port && pair.v6?.port == pair.port)
        #expect(pair[.v4] === pair.v4 && pair[.v6] === pair.v6)
    }

    @Test func aTakenPortIsRefusedOnEitherFamily() throws {
        for family in [AddressFamily.v4, .v6] {
            let taken = try UDPSocket.bind(family, port: 0)
            let error = #expect(throws: SystemError.self) { try UDPSocketPair.bind(port: taken.port) }
            #expect(error?.code == EADDRINUSE)
            #expect(error?.description.contains("choose another listen port") == true)
        }
    }

    @Test func aRandomPortTakenOnIPv6IsTriedAgain() throws {
        var asked: [UInt16] = []
        let pair = try UDPSocketPair.bind(port: 0) { (family, port) throws(SystemError) in
            if family == .v6 {
                asked.append(port)
                if asked.count < 4 { throw SystemError(EADDRINUSE, "open") }
            }
            return try UDPSocket.bind(family, port: port)
        }
        #expect(asked.count == 4)
        #expect(asked.last == pair.port && pair.v6 != nil)
    }

    @Test func triesEnd() {
        var attempts = 0
        let error = #expect(throws: SystemError.self) {
            try UDPSocketPair.bind(port: 0) { (family, port) throws(SystemError) in
                guard family == .v4 else {
                    attempts += 1
                    throw SystemError(EADDRINUSE, "open")
                }
                return try UDPSocket.bind(family, port: port)
            }
        }
        #expect(attempts == UDPSocketPair.maximumAttempts)
        #expect(error?.code == EADDRINUSE)
    }

    @Test(arguments: [AddressFamily.v4, .v6])
    func oneFamilyIsEnough(missing: AddressFamily) throws {
        let pair = try UDPSocketPair.bind(port: 0) { (family, port) throws(SystemError) in
            if family == missing { throw SystemError(EAFNOSUPPORT, "open") }
            return try UDPSocket.bind(family, port: port)
        }
        #expect(pair[missing] == nil)
        #expect(pair[missing == .v4 ? .v6 : .v4]?.port == pair.port)
        #expect(pair.port != 0)
    }

    @Test func noFamilyIsAnError() {
        let error = #expect(throws: SystemError.self) {
            try UDPSocketPair.bind(port: 0) { (_, _) throws(SystemError) in throw SystemError(EAFNOSUPPORT, "open") }
        }
        #expect(error?.code == EAFNOSUPPORT)
    }

    @Test(.needsRoot) func worksWithIPv6TurnedOff() throws {
        let namespace = try Namespace()
        try namespace.run("sysctl -qw net.ipv6.conf.all.disable_ipv6=1")
        let pair = try namespace.inside { try UDPSocketPair.bind(port: 0) }
        let v4 = try #require(pair.v4)
        var outgoing = SendBatch()
        outgoing.add(
            UnsafeRawBufferPointer(start: nil, count: 0),
            to: Endpoint(.v4(IPv4Address(0x7f00_0001)), port: v4.port))
        let report = outgoing.send(on: v4)
        #expect(report.sent == 1)
        #expect(try collect(from: v4, datagrams: 1) == [[]])
    }
}
