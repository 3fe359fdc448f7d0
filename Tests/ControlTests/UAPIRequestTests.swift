import Control
import Glibc
import Testing
import Tunnel
import Wire

private let key1 = "b85996fecc9c7f1fc6d2572a76eda11d59bcd20be8e543b15ce4bd85a8e75a33"
private let key2 = "58402E695BA1772B1CC9309755F043251EA77FDCF10FBE63989CEB7E19321376"
private let zeros = String(repeating: "0", count: 64)
private let longLine = String(repeating: "x", count: 4097)

@Suite("UAPI requests")
struct UAPIRequestTests {
    @Test(
        "each operation is recognised",
        arguments: [
            ("get=1\n\n", ["get"]),
            ("set=1\n\n", ["set "]),
            ("drops=1\n\n", ["drops"]),
            ("endpoint_names=1\n\n", ["names"]),
            ("report=1\n\n", ["report"]),
            ("initiate=1\npublic_key=\(key1)\n\n", ["initiate \(key1)"]),
            ("initiate=1\npublic_key=\(key1)\n", []),
            ("initiate=1\n\nget=1\n\n", ["refused 22", "get"]),
            ("initiate=1\npublic_key=\(key1)\npublic_key=\(key1)\n", ["refused 22"]),
            ("initiate=1\npublic_key=00\n", ["refused 22"]),
            ("initiate=1\nlisten_port=1\n", ["refused 22"]),
            ("initiate=1\n\(longLine)\n", ["unreadable 71"]),
            ("report=1\nx\n\nget=1\n\n", ["refused 22", "get"]),
            ("get=1\n\nset=1\nlisten_port=5\n\nget=1\n\n", ["get", "set port=5", "get"]),
            ("", []),
            ("get=1\n", []),
            ("get=1", []),
            ("set=1\nlisten_port=1\n", []),
        ])
    func operations(text: String, expected: [String]) {
        #expect(readAll(text).map(describe) == expected)
    }

    @Test(
        "every device key",
        arguments: [
            ("private_key=\(key1)", "private=\(key1)"),
            ("private_key=\(key2)", "private=\(key2.lowercased())"),
            ("private_key=\(zeros)", "private=\(zeros)"),
            ("listen_port=0", "port=0"),
            ("listen_port=65535", "port=65535"),
            ("listen_port=00051820", "port=51820"),
            ("fwmark=0", "mark=0"),
            ("fwmark=4294967295", "mark=4294967295"),
            ("replace_peers=true", "replace"),
            ("listen_port=1\nlisten_port=2", "port=2"),
            ("fwmark=3\nlisten_port=2\nreplace_peers=true", "port=2 mark=3 replace"),
        ])
    func deviceKeys(lines: String, expected: String) {
        #expect(readAll("set=1\n\(lines)\n\n").map(describe) == ["set " + expected])
    }

    @Test(
        "every peer key",
        arguments: [
            ("", ""),
            ("remove=true\n", " remove"),
            ("update_only=true\n", " update"),
            ("preshared_key=\(key2)\n", " preshared=\(key2.lowercased())"),
            ("preshared_key=\(zeros)\n", " preshared=\(zeros)"),
            ("endpoint=192.0.2.1:51820\n", " endpoint=192.0.2.1:51820"),
            ("endpoint=[2001:db8::1]:65535\n", " endpoint=[2001:db8::1]:65535"),
            ("endpoint=[fe80::1%eth0]:1\n", " endpoint=[fe80::1%7]:1"),
            ("endpoint=[fe80::1%2]:1\n", " endpoint=[fe80::1%2]:1"),
            ("endpoint=[fe80::1]:1\n", " endpoint=[fe80::1]:1"),
            ("endpoint=[::ffff:1.2.3.4]:0\n", " endpoint=[::ffff:1.2.3.4]:0"),
            ("endpoint_name=home.example:51820\n", " name=home.example:51820"),
            ("endpoint_name=[2001:db8::1]:1\n", " name=[2001:db8::1]:1"),
            ("endpoint_name=b\u{FC}cher.example:65535\n", " name=b\u{FC}cher.example:65535"),
            ("endpoint_name=\n", " name="),
            ("persistent_keepalive_interval=0\n", " keepalive=0"),
            ("persistent_keepalive_interval=65535\n", " keepalive=65535"),
            ("replace_allowed_ips=true\n", " replace-ips"),
            ("allowed_ip=10.1.2.3/8\n", " +10.0.0.0/8"),
            ("allowed_ip=0.0.0.0/0\nallowed_ip=::/0\n", " +0.0.0.0/0 +::/0"),
            ("allowed_ip=fd00::1/128\n", " +fd00::1/128"),
            ("allowed_ip=-10.0.0.0/8\n", " -10.0.0.0/8"),
            ("allowed_ip=-fd00::/8\n", " -fd00::/8"),
            ("allowed_ip=10.0.0.0/8\nreplace_allowed_ips=true\nallowed_ip=11.0.0.0/8\n", " replace-ips +11.0.0.0/8"),
            ("protocol_version=1\n", ""),
        ])
    func peerKeys(lines: String, expected: String) {
        let requests = readAll("set=1\npublic_key=\(key1)\n\(lines)\n")
        #expect(requests.map(describe) == ["set peer=\(key1)\(expected)"])
    }

    @Test("a public key begins a section, also one that was there")
    func sections() {
        let text = """
            set=1
            public_key=\(key1)
            remove=true
            public_key=\(key2)
            update_only=true
            allowed_ip=10.0.0.0/8
            public_key=\(key1)
            persistent_keepalive_interval=25


            """
        let second = key2.lowercased()
        #expect(
            readAll(text).map(describe) == [
                "set peer=\(key1) remove peer=\(second) update +10.0.0.0/8 peer=\(key1) keepalive=25"
            ])
    }

    @Test(
        "bad device lines are refused",
        arguments: [
            ("foo=1", EINVAL), ("=1", EINVAL), ("=", EINVAL), ("noequals", EPROTO), (" ", EPROTO),
            ("listen_port=99999", EINVAL), ("listen_port=65536", EINVAL), ("listen_port=", EINVAL),
            ("listen_port=-1", EINVAL), ("listen_port=+1", EINVAL), ("listen_port=0x10", EINVAL),
            ("listen_port= 1", EINVAL), ("listen_port=1 ", EINVAL), ("listen_port=1\r", EINVAL),
            ("listen_port=99999999999999999999999999", EINVAL), ("Listen_port=1", EINVAL), ("listen_port", EPROTO),
            ("fwmark=0x10", EINVAL), ("fwmark=4294967296", EINVAL), ("fwmark=", EINVAL), ("fwmark=off", EINVAL),
            ("private_key=00", EINVAL), ("private_key=", EINVAL), ("private_key=\(key1)0", EINVAL),
            ("private_key=\(key1.dropLast())g", EINVAL), ("private_key=\(key1.dropLast())", EINVAL),
            ("replace_peers=false", EINVAL), ("replace_peers=", EINVAL), ("replace_peers=TRUE", EINVAL),
            ("replace_peers=true ", EINVAL), ("errno=0", EINVAL), ("set=1", EINVAL), ("get=1", EINVAL),
            ("protocol_version=1", EINVAL), ("preshared_key=\(key1)", EINVAL), ("endpoint=1.2.3.4:5", EINVAL),
            ("allowed_ip=10.0.0.0/8", EINVAL), ("remove=true", EINVAL), ("update_only=true", EINVAL),
            ("public_key=", EINVAL), ("public_key=00", EINVAL), ("public_key", EPROTO),
            ("public_key=\(key1.dropLast())=", EINVAL),
        ])
    func badDeviceLines(line: String, errno: Int32) {
        #expect(readAll("set=1\nlisten_port=1\n\(line)\n").map(describe) == ["refused \(errno)"])
    }

    @Test(
        "bad peer lines are refused",
        arguments: [
            ("foo=1", EINVAL), ("noequals", EPROTO),
            ("private_key=\(key1)", EINVAL), ("listen_port=1", EINVAL), ("fwmark=1", EINVAL),
            ("replace_peers=true", EINVAL),
            ("remove=false", EINVAL), ("remove=", EINVAL), ("update_only=1", EINVAL),
            ("replace_allowed_ips=yes", EINVAL),
            ("preshared_key=00", EINVAL), ("preshared_key=", EINVAL),
            ("endpoint=host:1", EINVAL), ("endpoint=1.2.3.4", EINVAL), ("endpoint=1.2.3.4:", EINVAL),
            ("endpoint=1.2.3.4:65536", EINVAL), ("endpoint=1.2.3.4:-1", EINVAL), ("endpoint=1.2.3:1", EINVAL),
            ("endpoint=01.2.3.4:1", EINVAL), ("endpoint=:1", EINVAL), ("endpoint=", EINVAL), ("endpoint=::1:1", EINVAL),
            ("endpoint=[1.2.3.4]:1", EINVAL), ("endpoint=[::1]", EINVAL), ("endpoint=[::1]1", EINVAL),
            ("endpoint=[::1:1", EINVAL), ("endpoint=::1]:1", EINVAL), ("endpoint=[]:1", EINVAL),
            ("endpoint=[:1", EINVAL),
            ("endpoint=[fe80::1%]:1", EINVAL), ("endpoint=[fe80::1%nope]:1", EINVAL),
            ("endpoint=[fe80::1%0]:1", EINVAL),
            ("endpoint=[fe80::1%4294967296]:1", EINVAL), ("endpoint=[2001:db8::1%eth0]:1", EINVAL),
            ("endpoint=1.2.3.4%eth0:1", EINVAL), ("endpoint=1.2.3.4:1\u{0}", EINVAL), ("endpoint=１.2.3.4:1", EINVAL),
            ("endpoint_name=home", EINVAL), ("endpoint_name=home:", EINVAL), ("endpoint_name=home:0", EINVAL),
            ("endpoint_name=home:65536", EINVAL), ("endpoint_name=home:http", EINVAL), ("endpoint_name=:1", EINVAL),
            ("endpoint_name=a b:1", EINVAL), ("endpoint_name=a/b:1", EINVAL), ("endpoint_name=a\u{7F}:1", EINVAL),
            ("endpoint_name=\(String(repeating: "x", count: 254)):1", EINVAL), ("endpoint_name=[::1:1", EINVAL),
            ("persistent_keepalive_interval=65536", EINVAL), ("persistent_keepalive_interval=off", EINVAL),
            ("persistent_keepalive_interval=", EINVAL),
            ("allowed_ip=10.0.0.1", EINVAL), ("allowed_ip=10.0.0.0/33", EINVAL), ("allowed_ip=::/129", EINVAL),
            ("allowed_ip=10.0.0.0/", EINVAL), ("allowed_ip=/8", EINVAL), ("allowed_ip=", EINVAL),
            ("allowed_ip=-", EINVAL),
            ("allowed_ip=--10.0.0.0/8", EINVAL), ("allowed_ip=+10.0.0.0/8", EINVAL), ("allowed_ip=10.0.0.0/-1", EINVAL),
            ("allowed_ip=300.0.0.0/8", EINVAL), ("allowed_ip=10.0.0.0/8,11.0.0.0/8", EINVAL),
            ("allowed_ip=fe80::1%eth0/64", EINVAL),
            ("protocol_version=2", EINVAL), ("protocol_version=", EINVAL), ("protocol_version=01", EINVAL),
            ("last_handshake_time_sec=0", EINVAL), ("rx_bytes=0", EINVAL), ("errno=0", EINVAL),
            ("public_key=\(zeros)0", EINVAL),
        ])
    func badPeerLines(line: String, errno: Int32) {
        #expect(readAll("set=1\npublic_key=\(key1)\n\(line)\n").map(describe) == ["refused \(errno)"])
        let removed = readAll("set=1\npublic_key=\(key1)\nremove=true\n\(line)\n")
        #expect(removed.map(describe) == ["refused \(errno)"], "a removed peer's lines are checked as well")
    }

    @Test(
        "after a failed set the rest is a new operation, which closes unless it begins one",
        arguments: [
            ("set=1\nfoo=1\n\n", ["refused 22", "unreadable 0"]),
            ("set=1\nfoo=1\nlisten_port=5\n\nget=1\n\n", ["refused 22", "unreadable 0"]),
            ("set=1\nfoo=1\nget=1\n\n", ["refused 22", "get"]),
            ("set=1\nlisten_port=1\nnoequals\nset=1\nfwmark=1\n\n", ["refused 71", "set mark=1"]),
        ])
    func afterFailure(text: String, expected: [String]) {
        #expect(readAll(text).map(describe) == expected)
    }

    @Test(
        "an unknown first line closes without an answer",
        arguments: [
            "\n", "foo\n", "get=2\n", "get=1 \n", "GET=1\n", "get\n", "set=0\n", "get=1\r\n", "\u{0}\n", "errno=0\n",
        ])
    func unknownFirstLine(line: String) {
        #expect(readAll(line + "get=1\n\n").map(describe) == ["unreadable 0"])
    }

    @Test(
        "a query with content is refused at its first byte, and the connection goes on",
        arguments: [
            ("get=1\nx", ["refused 22"]),
            ("get=1\nx\nget=1\n\n", ["refused 22", "get"]),
            ("get=1\nfoo=1\n\nget=1\n\n", ["refused 22", "get"]),
            ("drops=1\nfoo=1\n\ndrops=1\n\n", ["refused 22", "drops"]),
            ("get=1\nfoo=1\n\n\n", ["refused 22", "unreadable 0"]),
            ("get=1\nfoo=1\nbar=1\n\n", ["refused 22", "unreadable 0"]),
        ])
    func queryWithContent(text: String, expected: [String]) {
        #expect(readAll(text).map(describe) == expected)
    }

    @Test("a line that is too long ends the connection")
    func tooLongLine() {
        let cases = [
            ("set=1\nlisten_port=1\n\(longLine)\n\n", ["unreadable 71"]),
            ("set=1\n\(longLine)", ["unreadable 71"]),
            ("\(longLine)\n", ["unreadable 0"]),
            ("\(longLine)", ["unreadable 0"]),
            ("set=1\n\(longLine.dropLast())\nget=1\n\n", ["refused 71", "get"]),
            ("set=1\nlisten_port=\(String(repeating: "0", count: 4083))5\n\n", ["set port=5"]),
        ]
        for (text, expected) in cases {
            for pieceSize in [1, 7, 4096, .max] {
                #expect(readAll(text, pieceSize: pieceSize).map(describe) == expected)
            }
        }
    }

    @Test("more peers or allowed IPs than the limits are refused")
    func limits() {
        var limits = UAPILimits()
        limits.peers = 2
        limits.allowedIPs = 3
        func read(_ text: String) -> [String] { readAll(Array(text.utf8), limits: limits).map(describe) }
        let peer = "public_key=\(key1)\n"
        let address = "allowed_ip=10.0.0.0/8\n"
        #expect(read("set=1\n\(peer)\(peer)\n") == ["set peer=\(key1) peer=\(key1)"])
        #expect(read("set=1\n\(peer)\(peer)\(peer)") == ["refused \(E2BIG)"])
        #expect(read("set=1\n\(peer)\(address)\(address)\(peer)\(address)\(address)") == ["refused \(E2BIG)"])
        let request = "set=1\n\(peer)\(address)\(address)\(peer)\(address)\n"
        let expected = "set peer=\(key1) +10.0.0.0/8 +10.0.0.0/8 peer=\(key1) +10.0.0.0/8"
        #expect(read(request + request) == [expected, expected], "each request is counted for itself")
    }

    @Test("zeros are the zero secret, others are kept")
    func secrets() throws {
        let requests = readAll("set=1\nprivate_key=\(zeros)\npublic_key=\(key1)\npreshared_key=\(key1)\n\n")
        guard case .set(let change)? = requests.first else {
            Issue.record("no set")
            return
        }
        #expect(try #require(change.privateKey).isZero)
        #expect(try #require(change.peers.first?.presharedKey?.bytes) == Hex.decode(key1.utf8))
    }
}
