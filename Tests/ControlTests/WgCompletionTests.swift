import Control
import Glibc
import Testing
import Tunnel

@Suite("Completion of wg's command lines")
struct WgCompletionTests {
    @Test("commands, interfaces and fields")
    func show() throws {
        let machine = try Machine(interfaces: ["wg0", "office"])
        #expect(machine.candidates([]).contains("syncconf"))
        #expect(Set(machine.candidates(["show"])) == ["wg0", "office", "all", "interfaces", "--json"])
        #expect(machine.candidates(["show", "wg0"]).contains("latest-handshakes"))
        #expect(machine.candidates(["show", "all"]).contains("--json"))
        #expect(machine.candidates(["show", "interfaces"]).isEmpty)
        #expect(machine.candidates(["show", "wg0", "dump"]).isEmpty)
        #expect(Set(machine.candidates(["showconf"])) == ["wg0", "office"])
        #expect(machine.candidates(["genkey"]).isEmpty)
        #expect(machine.candidates(["nonsense"]).isEmpty)
    }

    @Test("the options of set follow its grammar")
    func set() throws {
        let machine = try Machine(interfaces: ["wg0"])
        let disguise = ["obfuscation", "obfuscation-key", "obfuscation-mtu", "reserved"]
        let ofPeer = Set(
            ["peer", "remove", "preshared-key", "endpoint", "persistent-keepalive", "allowed-ips"] + disguise)
        let amneziaWG = ObfuscationSetting.allCases.filter { !$0.isForPeers }.map(\.commandName)
        let ofInterface = Set(["listen-port", "fwmark", "private-key", "peer"] + disguise + amneziaWG)
        #expect(ofInterface.isSuperset(of: ["jc", "s4", "h1", "i5", "header-protection-key", "random-trailers"]))
        #expect(machine.candidates(["set"]) == ["wg0"])
        #expect(Set(machine.candidates(["set", "wg0"])) == ofInterface)
        #expect(Set(machine.candidates(["set", "wg0", "listen-port", "51820"])) == ofInterface)
        #expect(machine.candidates(["set", "wg0", "listen-port"]).isEmpty)
        #expect(machine.candidates(["set", "wg0", "fwmark"]) == ["off"])
        #expect(Set(machine.candidates(["set", "wg0", "peer", "KEY"])) == ofPeer)
        #expect(Set(machine.candidates(["set", "wg0", "peer", "KEY", "remove"])) == ofPeer)
        #expect(machine.candidates(["set", "wg0", "peer", "KEY", "remove", "persistent-keepalive"]) == ["off"])
        #expect(machine.candidates(["set", "wg0", "obfuscation"]).contains("veil"))
        #expect(machine.candidates(["set", "wg0", "peer", "KEY", "obfuscation"]).contains("on"))
        #expect(machine.candidates(["set", "wg0", "random-trailers"]) == ["on", "off"])
        #expect(machine.candidates(["set", "wg0", "jc"]).isEmpty)
        // A value that reads like an option is a value.
        #expect(Set(machine.candidates(["set", "wg0", "private-key", "peer"])) == ofInterface)
    }

    @Test("files where a file is wanted")
    func files() throws {
        let machine = try Machine(interfaces: [])
        let directory = machine.directory
        try #require(mkdir("\(directory)/keys", 0o700) == 0)
        for name in ["keys/key", "wg0.conf"] { close(creat("\(directory)/\(name)", 0o600)) }
        #expect(machine.candidates(["setconf", "wg0"], prefix: "\(directory)/w") == ["\(directory)/wg0.conf"])
        #expect(
            machine.candidates(["syncconf", "wg0"], prefix: "\(directory)/")
                == ["keys/", "wg0.conf"].map { "\(directory)/\($0)" })
        #expect(
            machine.candidates(["set", "wg0", "private-key"], prefix: "\(directory)/keys/") == ["\(directory)/keys/key"]
        )
        #expect(machine.candidates(["addconf", "wg0"], prefix: "/nonexistent/directory/").isEmpty)
    }
}

/// A directory with sockets on which somebody listens, as far as a look can tell.
private final class Machine {
    let directory: String
    private var descriptors: [Int32] = []

    init(interfaces: [String]) throws {
        directory = "/tmp/nightjar-completion-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
        try #require(mkdir(directory, 0o700) == 0)
        for interface in interfaces {
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            let path = Array("\(directory)/\(interface).sock".utf8)
            withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path) }
            let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
            let length = socklen_t(MemoryLayout<sockaddr_un>.size)
            let status = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) }
            }
            try #require(status == 0 && listen(descriptor, 8) == 0)
            descriptors.append(descriptor)
        }
    }

    deinit {
        for descriptor in descriptors { close(descriptor) }
        for path in ["keys/key", "keys", "wg0.conf", "wg0.sock", "office.sock", ""] { remove("\(directory)/\(path)") }
    }

    func candidates(_ words: [String], prefix: String = "") -> [String] {
        WgCommand.candidates(after: words, prefix: prefix, in: DevicePlaces(socketDirectories: [directory]))
    }
}
