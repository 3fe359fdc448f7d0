import Foundation
import NoisePrimitives
import TestKit
import Tunnel
import Wire

extension DoctorFault {
    /// What is wrong between the two sides: keys, clocks, disguises, limits.
    static let ofPeers: [DoctorFault] = [
        DoctorFault(
            testDescription: "the server has no such peer", code: "no-answer",
            files: { $0.server.peer["PublicKey"] = anotherKey }, evidence: "it refuses other ports, and not 51820"),
        DoctorFault(
            testDescription: "the client's key is pasted wrong at the server", code: "unknown-caller", side: .server,
            files: { $0.server.peer["PublicKey"] = anotherKey },
            act: { bench in
                try await bench.up()
                try await bench.expectDrop("initiation-from-unknown-key")
            }, evidence: "perhaps laptop"),
        DoctorFault(
            testDescription: "the server's key is pasted wrong at the client", code: "caller-has-wrong-key",
            side: .server,
            files: { $0.client.peer["PublicKey"] = anotherKey },
            act: { bench in
                try await bench.up()
                try await bench.expectDrop("wrong-mac1")
            }, evidence: "perhaps laptop"),
        DoctorFault(
            testDescription: "only the client has a preshared key", code: "preshared-key-differs",
            files: { $0.client.peer["PresharedKey"] = anotherKey }, evidence: "this side has a preshared key"),
        DoctorFault(
            testDescription: "only the client has a preshared key, seen by the server", code: "preshared-key-differs",
            side: .server, files: { $0.client.peer["PresharedKey"] = anotherKey },
            evidence: "this side has no preshared key"),
        DoctorFault(
            testDescription: "the client's clock was set back", code: "clock-behind", side: .server,
            act: { bench in
                try await bench.up(.server)
                try await bench.callFromTomorrow()
                try await bench.up(.client)
                try await bench.expectDrop("initiation-replayed", count: 2)
            }),
        DoctorFault(
            testDescription: "a number of AmneziaWG's differs", code: "obfuscation-differs", side: .server,
            files: {
                $0.server.interface["S1"] = "40"
                $0.client.interface["S1"] = "30"
            },
            act: { bench in
                try await bench.up()
                try await bench.expectDrop("wrong-dialect")
            }, evidence: "S1=30"),
        DoctorFault(
            testDescription: "only the client has a disguise", code: "obfuscation-differs", side: .server,
            files: { $0.client.interface["Obfuscation"] = "lwo" },
            act: { bench in
                try await bench.up()
                try await bench.expectDrop("wrong-dialect")
            }, evidence: "Obfuscation = lwo"),
        DoctorFault(
            testDescription: "a peer's date has passed", code: "peer-expired", side: .server,
            files: { $0.server.peer["# Expires"] = "2024-02-29" }),
        DoctorFault(
            testDescription: "a peer's quota is used up", code: "peer-over-quota", side: .server,
            files: { $0.server.peer["# Quota"] = "10 KiB" },
            act: { bench in
                try await bench.connect()
                try await bench.machine(.client).run("ping -n -q -c 20 -s 1000 -i 0.02 -W 1 10.77.0.1", mayFail: true)
            }),
        DoctorFault(
            testDescription: "the client has no endpoint", code: "no-endpoint",
            files: { $0.client.peer["Endpoint"] = nil },
            act: { bench in
                try await bench.up()
                try await bench.knock(.client, "10.77.0.1")
            }),
    ]

    /// Nobody's.
    static let anotherKey = "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk="
}

extension DoctorBench {
    /// Waits until the server has dropped something for a reason.
    func expectDrop(_ reason: String, count: Int = 1) async throws {
        let isThere = try await eventually(within: .seconds(10)) {
            let line = try await nightjar(.server, "drops wg0").output.split(separator: "\n")
                .first { $0.hasPrefix("\(reason): ") }
            return line.flatMap { Int($0.dropFirst(reason.count + 2)) }.map { $0 >= count } ?? false
        }
        guard isThere else { throw Failure("nothing was dropped as \(reason)") }
    }

    /// A call with the client's key, at a time that is a day ahead.
    func callFromTomorrow() async throws {
        let now = Moment(
            instant: Instant(nanoseconds: 1_000_000_000),
            wall: WallTime(seconds: Int64(Date().timeIntervalSince1970) + 86_400, nanoseconds: 0))
        let device = Device(shared: DeviceShared(mtu: 1420) {}, random: SeededRandom(seed: 1))
        var change = DeviceChange()
        change.privateKey = files.clientKey
        var peer = PeerChange(X25519.publicKey(of: files.serverKey))
        peer.endpoint = Endpoint(IPAddress("10.9.2.2")!, port: 51820)
        change.peers = [peer]
        device.apply(change, now: now)
        device.up(now: now)
        _ = device.initiate(peer.publicKey, now: now)
        guard let initiation = device.pollTransmit() else { throw Failure("no initiation") }
        let hex = initiation.bytes.map { String(format: "%02x", $0) }.joined()
        let script = """
            import socket, sys
            caller = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            caller.settimeout(5)
            caller.sendto(bytes.fromhex(sys.argv[1]), ("10.9.2.2", 51820))
            print(len(caller.recv(2048)))
            """
        let answer = try await client.run(["python3", "-c", script, hex]).output
        guard answer.trimmed == "92" else { throw Failure("the server has answered \(answer) bytes") }
    }
}
