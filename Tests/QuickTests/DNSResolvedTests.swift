import CLinux
import Foundation
import Glibc
import LinuxNet
import Synchronization
import Testing

@testable import Quick

/// With the real systemd-resolved on a bus of its own, in a network of its own.
@Suite(
    .enabled(if: Resolved.isAvailable, "needs root, dbus-daemon, and systemd-resolved or NIGHTJAR_RESOLVED, its path"))
struct DNSResolvedTests {
    @Test func namesGoThroughTheTunnel() throws {
        let resolved = try Resolved()
        let index = resolved.interfaceIndex
        let system = try resolved.system()
        let wanted = setting("wg0", ["10.0.0.1", "fd00::1"], search: ["corp.example", "~lab.example"], index: index)
        #expect(!resolved.resolvConf.contains("10.0.0.1"))
        let record = try resolved.inside { () throws -> DNSRecord in
            let dns = DNS(system)
            let plan = try dns.plan(wanted)
            #expect(plan.record.ways.first == .resolved)
            let applied = try dns.apply(plan)
            #expect(applied.record.ways == [.resolved])
            #expect(
                applied.sentence.hasPrefix(
                    "DNS: 10.0.0.1, fd00::1, search corp.example ~lab.example, by way of systemd-resolved"))
            let state = try dns.current(applied.record)
            #expect(state == DNSState(servers: wanted.servers, searchDomains: wanted.searchDomains))
            return applied.record
        }
        #expect(resolved.resolvConf.contains("nameserver 10.0.0.1\n"))
        #expect(
            resolved.resolvConf.contains("search corp.example\n")
                || resolved.resolvConf.contains("search . corp.example\n"))
        #expect(try resolved.address(of: "any.name.test") == "198.51.100.7")
        try resolved.inside { () throws -> Void in
            #expect(try DNS(system).restore(record) == [])
            #expect(try DNS(system).restore(record) == [])
            #expect(try DNS(system).current(record) == DNSState())
        }
        #expect(!resolved.resolvConf.contains("10.0.0.1"))
    }

    @Test func anotherNetworkIsLeftAlone() throws {
        let resolved = try Resolved()
        let plan = try DNS(try resolved.system()).plan(setting(index: resolved.interfaceIndex))
        #expect(!plan.record.ways.contains(.resolved))
        #expect(plan.reasons.contains { $0.contains("another network namespace") })
    }

    @Test func interfacesThatAreNot() throws {
        let resolved = try Resolved()
        let system = try resolved.system()
        try resolved.inside { () throws -> Void in
            #expect(throws: DBusError.self) {
                var link = try SystemdResolved.open(busAddress: system.busAddress, patience: 5000)
                try link.apply(setting("wg9", index: 9999))
            }
            var link = try SystemdResolved.open(busAddress: system.busAddress, patience: 5000)
            try link.revert(setting("wg9", index: 9999))
        }
    }
}

/// The service, started for one test.
private final class Resolved {
    private static let path =
        ProcessInfo.processInfo.environment["NIGHTJAR_RESOLVED"] ?? "/lib/systemd/systemd-resolved"
    static let isAvailable =
        geteuid() == 0 && access(path, X_OK) == 0
        && (try? DNSFolder.run("command -v dbus-daemon dbus-send unshare nsenter ip python3")) != nil

    let folder = DNSFolder()
    private let process = Process()
    private let input = Pipe()
    private let processID: Int32
    /// Of `wg0`.
    let interfaceIndex: UInt32

    init() throws {
        // The service has a user of its own.
        chmod(folder.path, 0o755)
        try folder.write("run.sh", Self.script)
        try folder.write("responder.py", Self.responder)
        try folder.write("query.py", Self.query)
        let output = Pipe()
        process.executableURL = URL(filePath: "/usr/bin/unshare")
        process.arguments = ["-m", "-n", "--propagation", "private", "bash", folder["run.sh"], folder.path, Self.path]
        process.standardInput = input
        // The script ends with its input, which nobody else may hold open.
        _ = fcntl(input.fileHandleForWriting.fileDescriptor, F_SETFD, FD_CLOEXEC)
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        processID = process.processIdentifier
        let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        let words = line.split { $0 == " " || $0 == "\n" }
        // 0 when it didn't start, of which the log tells.
        interfaceIndex = words.first == "ready" ? words.last.flatMap { UInt32($0) } ?? 0 : 0
        #expect(interfaceIndex != 0, "\(folder.text("log") ?? "")")
    }

    deinit {
        try? input.fileHandleForWriting.close()
        process.waitUntilExit()
    }

    /// A system whose resolv.conf leads to the service.
    func system() throws -> DNSSystem {
        symlink("/run/systemd/resolve/stub-resolv.conf", folder["resolv.conf"])
        return folder.system
    }

    /// What the service writes for programs that don't ask it.
    var resolvConf: String {
        (try? DNSFolder.run("nsenter -t \(processID) -m cat /run/systemd/resolve/resolv.conf")) ?? ""
    }

    /// Asks the service as a program does.
    func address(of name: String) throws -> String {
        try DNSFolder.run("nsenter -t \(processID) -n python3 -I \(folder["query.py"]) \(name)")
            .trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// Runs `body` on a thread in the service's network.
    func inside<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) throws -> Value {
        let outcome = Outcome<Value>()
        let path = "/proc/\(processID)/ns/net"
        let thread = try NativeThread(name: "inside") {
            let result = Result<Value, any Error> {
                let descriptor = open(path, O_RDONLY | O_CLOEXEC)
                defer { close(descriptor) }
                guard clinux_enter_network_namespace(descriptor) == 0 else { throw SystemError(errno, "enter \(path)") }
                return try body()
            }
            outcome.result.withLock { $0 = result }
        }
        thread.join()
        return try #require(outcome.result.withLock { $0 }).get()
    }

    private final class Outcome<Value: Sendable>: Sendable {
        let result = Mutex<Result<Value, any Error>?>(nil)
    }

    /// `FOLDER RESOLVED`: prints "ready INDEX", and ends all when its input ends.
    private static let script = #"""
        folder=$1 resolved=$2 user=systemd-resolve
        exec 2>"$folder/log"
        # Other tests block signals, which children inherit.
        trap 'kill -9 $(jobs -p)' EXIT
        mount -t tmpfs none /run
        for file in passwd group; do cp /etc/$file /run/$file; done
        getent passwd $user || echo "$user:x:990:990::/:/usr/sbin/nologin" >>/run/passwd
        getent group $user || echo "$user:x:990:" >>/run/group
        echo 'nameserver 192.0.2.53' >/run/resolv.conf
        for file in passwd group resolv.conf; do mount --bind /run/$file "$(realpath /etc/$file)"; done
        install -d -o $user -g $user /run/systemd/resolve
        unshare -n sleep 600 </dev/null & other=$!
        ip link set lo up
        ip link add wg0 type veth peer name other
        sleep 0.2
        ip link set other netns $other
        nsenter -t $other -n sh -c 'ip link set lo up; ip addr add 10.0.0.1/24 dev other; ip link set other up'
        ip addr add 10.0.0.2/24 dev wg0; ip link set wg0 up
        nsenter -t $other -n python3 -I "$folder/responder.py" </dev/null >/dev/null &
        cat >"$folder/bus.conf" <<END
        <!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
         "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
        <busconfig><type>system</type><listen>unix:path=$folder/bus</listen><auth>EXTERNAL</auth>
        <policy context="default"><allow user="*"/><allow own="*"/><allow send_destination="*" eavesdrop="true"/>
        <allow eavesdrop="true"/></policy></busconfig>
        END
        dbus-daemon --config-file="$folder/bus.conf" --nofork --nopidfile </dev/null >/dev/null &
        export DBUS_SYSTEM_BUS_ADDRESS=unix:path=$folder/bus
        while [ ! -S "$folder/bus" ]; do sleep 0.05; done
        "$resolved" </dev/null >/dev/null &
        for _ in $(seq 100); do
            dbus-send --system --print-reply --dest=org.freedesktop.DBus / org.freedesktop.DBus.NameHasOwner \
                string:org.freedesktop.resolve1 | grep -q true && break
            sleep 0.05
        done
        echo "ready $(ip -o link show wg0 | cut -d: -f1)"
        cat >/dev/null
        """#

    /// Says of every name that it is 198.51.100.7.
    private static let responder = #"""
        import socket
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        server.bind(("10.0.0.1", 53))
        while True:
            query, sender = server.recvfrom(4096)
            end = 12
            while query[end]:
                end += query[end] + 1
            end += 5
            isA = query[end - 4:end - 2] == b"\0\1"
            answer = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + bytes([198, 51, 100, 7]) if isA else b""
            server.sendto(
                query[:2] + b"\x81\x80\0\1" + (b"\0\1" if isA else b"\0\0") + b"\0\0\0\0" + query[12:end] + answer, sender)
        """#

    /// `NAME`: asks the service's own address for an IPv4 address and prints it.
    private static let query = #"""
        import socket, sys
        name = b"".join(bytes([len(part)]) + part.encode() for part in sys.argv[1].split("."))
        client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        client.settimeout(5)
        client.sendto(b"\0\7\1\0\0\1\0\0\0\0\0\0" + name + b"\0\0\1\0\1", ("127.0.0.53", 53))
        answer = client.recv(4096)
        print(socket.inet_ntoa(answer[-4:]) if answer[6:8] == b"\0\1" else "none")
        """#
}
