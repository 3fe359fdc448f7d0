import Control
import Testing
import Tunnel
import Wire

private let key = "b85996fecc9c7f1fc6d2572a76eda11d59bcd20be8e543b15ce4bd85a8e75a33"
private let sample = """
    get=1

    set=1
    private_key=\(key)
    listen_port=51820
    fwmark=51820
    replace_peers=true
    public_key=\(key)
    update_only=true
    preshared_key=\(key)
    endpoint=[fe80::1%eth0]:51820
    persistent_keepalive_interval=25
    replace_allowed_ips=true
    allowed_ip=10.0.0.0/8
    allowed_ip=-2001:db8::/32
    protocol_version=1
    public_key=\(key)
    remove=true
    endpoint=192.0.2.1:51820

    drops=1

    set=1
    foo=1
    get=1
    x

    get=1


    """
private let fragments =
    sample.split(separator: "\n").map { String($0) }
    + [
        "\n", "\n\n", "get=1\n\n", "set=1\n", "=", "public_key=", "allowed_ip=", "endpoint=[", "%", "-", "/", "::",
        "true",
    ]

@Suite("UAPI requests, hostile")
struct UAPIFuzzTests {
    @Test("the way the bytes are cut makes no difference")
    func pieces() {
        let whole = readAll(sample).map(describe)
        #expect(whole.count == 6)
        #expect(whole.last == "get")
        for pieceSize in 1...sample.utf8.count {
            #expect(readAll(sample, pieceSize: pieceSize).map(describe) == whole)
        }
    }

    @Test("every truncation yields the operations that were complete")
    func truncations() {
        let whole = readAll(sample).map(describe)
        let bytes = Array(sample.utf8)
        for length in 0...bytes.count {
            let requests = readAll(Array(bytes.prefix(length))).map(describe)
            #expect(requests == Array(whole.prefix(requests.count)))
        }
    }

    @Test("100 000 random, mutated and assembled inputs are read the same in whatever pieces")
    func random() {
        var random = UAPITestRandom(seed: 0x0a_11_ce)
        var operations = 0
        var refusals = 0
        for index in 0..<100_000 {
            let input = hostileInput(index, &random)
            let whole = readAll(input)
            let pieces = readAll(input, pieceSize: Int.random(in: 1...40, using: &random))
            guard whole.map(describe) == pieces.map(describe) else {
                Issue.record("input \(index) is read differently in pieces: \(input)")
                return
            }
            for request in whole {
                switch request {
                case .get, .drops, .endpointNames, .report, .initiate, .set: operations += 1
                case .refused, .unreadable: refusals += 1
                }
            }
        }
        #expect(operations > 1000)
        #expect(refusals > 1000)
    }

    private func hostileInput(_ index: Int, _ random: inout UAPITestRandom) -> [UInt8] {
        switch index % 3 {
        case 0:
            return (0..<Int.random(in: 0...120, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
        case 1:
            let count = Int.random(in: 1...12, using: &random)
            return Array("set=1\n".utf8)
                + (0..<count).flatMap { _ in
                    fragments.randomElement(using: &random)!.utf8 + (Bool.random(using: &random) ? [10] : [])
                }
        default:
            var bytes = Array(sample.utf8)
            let start = Int.random(in: 0..<bytes.count, using: &random)
            bytes = Array(bytes[start...].prefix(Int.random(in: 1...400, using: &random)))
            if Bool.random(using: &random) { bytes = Array("set=1\npublic_key=\(key)\n".utf8) + bytes }
            for _ in 0..<Int.random(in: 1...6, using: &random) where !bytes.isEmpty {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0...3, using: &random) {
                case 0: bytes[place] ^= 1 << UInt8.random(in: 0...7, using: &random)
                case 1: bytes.remove(at: place)
                case 2: bytes.insert(UInt8.random(in: 0...255, using: &random), at: place)
                default: bytes[place] = [10, 61, 37, 58, 47, 45, 91, 93].randomElement(using: &random)!
                }
            }
            return bytes
        }
    }
}
