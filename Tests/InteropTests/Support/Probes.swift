import NoisePrimitives
import Obfuscation
import TestKit
import Tunnel
import Wire

/// What a stranger sends at a listener to find out what it is, as files that ``Scripts/probe`` sends.
struct Probes {
    /// Datagrams that were recorded on their way to the listener.
    let recorded: [[UInt8]]
    let server: PublicKey
    private let random: SeededRandom

    init(recorded: [[UInt8]], server: PublicKey, seed: UInt64) {
        self.recorded = recorded
        self.server = server
        random = SeededRandom(seed: seed)
    }

    /// Some of every kind: what was recorded, cut, changed and joined anew, stock messages for the server's public key, noise.
    func mixture(_ count: Int) -> [[UInt8]] {
        (0..<count).map { number in
            switch number % 8 {
            case 0, 1: recorded[number / 8 % recorded.count]
            case 2: Array(recording.prefix(Int(random.below(1500))))
            case 3: changed(recording)
            case 4: Array(recording.prefix(Int(random.below(600))) + recording.dropFirst(Int(random.below(600))))
            case 5: stock(.initiation)
            case 6: stock([.response, .cookieReply, .data][number / 8 % 3])
            default: random.bytes(Int(random.below(1473)))
            }
        }
    }

    /// Initiations of one who knows what the server's friends know, but isn't a peer: in their disguise, with the right first MAC.
    func insiderInitiations(_ count: Int, _ disguise: any Disguise, at now: Moment) -> [[UInt8]] {
        var generator = KeystreamGenerator(seededBy: random)
        return (0..<count).map { _ in
            let message = stock(.initiation)
            return [UInt8](unsafeUninitializedCapacity: DisguiseLimits.datagram) { output, length in
                length = message.withUnsafeBytes {
                    disguise.encode(
                        $0,
                        into: UnsafeMutableRawBufferPointer(start: output.baseAddress, count: DisguiseLimits.datagram),
                        at: now, random: &generator)
                }
            }
        }
    }

    /// The form in which ``Scripts/probe`` reads datagrams and ``Scripts/record`` writes them: each behind its length.
    static func file(_ datagrams: [[UInt8]]) -> [UInt8] {
        var bytes: [UInt8] = []
        for datagram in datagrams {
            bytes += [UInt8(datagram.count >> 8), UInt8(datagram.count & 255)]
            bytes += datagram
        }
        return bytes
    }

    static func datagrams(of file: [UInt8]) -> [[UInt8]] {
        var datagrams: [[UInt8]] = []
        var rest = file[...]
        while rest.count >= 2 {
            let length = Int(rest[rest.startIndex]) << 8 | Int(rest[rest.startIndex + 1])
            datagrams.append(Array(rest.dropFirst(2).prefix(length)))
            rest = rest.dropFirst(2 + length)
        }
        return datagrams
    }

    private var recording: [UInt8] { recorded[Int(random.below(UInt64(recorded.count)))] }

    private func changed(_ datagram: [UInt8]) -> [UInt8] {
        guard !datagram.isEmpty else { return [0] }
        var datagram = datagram
        for _ in 0...random.below(3) {
            datagram[Int(random.below(UInt64(datagram.count)))] ^= 1 << UInt8(random.below(8))
        }
        return datagram
    }

    private func stock(_ kind: Message.Kind) -> [UInt8] {
        let size =
            switch kind {
            case .initiation: Message.Initiation.size
            case .response: Message.Response.size
            case .cookieReply: Message.CookieReply.size
            case .data: Message.Data.overhead + 16 * Int(random.below(80))
            }
        var message = [UInt8(kind.rawValue), 0, 0, 0] + random.bytes(size - 4)
        guard kind == .initiation || kind == .response else { return message }
        let key = server.bytes.withUnsafeBytes { server in
            Array("mac1----".utf8).withUnsafeBytes { BLAKE2s.hash($0, server) }
        }
        message.withUnsafeMutableBytes { message in
            let end = message.count - 2 * Message.macSize
            key.withUnsafeBytes { key in
                BLAKE2s.mac(key: key, UnsafeRawBufferPointer(rebasing: message[..<end]))
            }.store(to: message.baseAddress! + end)
        }
        return message
    }
}

extension Scripts {
    /// `INTERFACE PORT FILE`: writes the UDP datagrams that come in to that port to the file, until it is ended.
    static let record = #"""
        import socket, sys
        interface, port, path = sys.argv[1], int(sys.argv[2]), sys.argv[3]
        link = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
        link.setsockopt(socket.SOL_SOCKET, 33, 1 << 23)
        link.bind((interface, 0x0800))
        with open(path, "wb", buffering=0) as file:
            print("ready", flush=True)
            while True:
                packet, address = link.recvfrom(65536)
                udp = packet[(packet[0] & 15) * 4:]
                # Datagrams that were joined on a virtual wire are none that somebody could have seen.
                if address[2] == 0 and packet[9] == 17 and int.from_bytes(udp[2:4], "big") == port and len(udp) < 1500:
                    file.write((len(udp) - 8).to_bytes(2, "big") + udp[8:int.from_bytes(udp[4:6], "big")])
        """#

    /// `INTERFACE ADDRESS PORT COUNT RATE PAUSE FILE`: sends COUNT datagrams, those of the file again and again, from 16 ports, RATE a
    /// second, resting so many seconds between bursts. Prints how many went, how many datagrams came back, and how many packets of any kind came from that address until two
    /// seconds later, and their sizes.
    static let probe = #"""
        import json, socket, sys, time
        interface, address, port, count, rate, pause, path = sys.argv[1:8]
        port, count, rate, pause = int(port), int(count), int(rate), float(pause)
        with open(path, "rb") as file:
            stored, probes, position = file.read(), [], 0
        while position < len(stored):
            length = int.from_bytes(stored[position:position + 2], "big")
            probes.append(stored[position + 2:position + 2 + length])
            position += 2 + length
        link = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
        link.bind((interface, 0x0800))
        link.setblocking(False)
        origin = socket.inet_aton(address)
        sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(16)]
        for each in sockets:
            each.connect((address, port))
        answers, packets, sizes = 0, 0, []
        def listen():
            global answers, packets
            for each in sockets:
                try:
                    each.recv(65536, socket.MSG_DONTWAIT)
                    answers += 1
                except (BlockingIOError, ConnectionRefusedError):
                    pass
            while True:
                try:
                    packet, sender = link.recvfrom(65536)
                except BlockingIOError:
                    return
                if sender[2] == 0 and packet[12:16] == origin:
                    packets += 1
                    sizes.append(len(packet))
        print("ready", flush=True)
        start, sent = time.monotonic(), 0
        while sent < count:
            due = min(count, int((time.monotonic() - start) * rate) + 1)
            while sent < due:
                try:
                    sockets[sent % 16].send(probes[sent % len(probes)])
                except ConnectionRefusedError:
                    continue
                sent += 1
            listen()
            time.sleep(pause)
        end = time.monotonic() + 2
        while time.monotonic() < end:
            listen()
            time.sleep(0.01)
        print(json.dumps({"sent": sent, "answers": answers, "packets": packets, "sizes": sizes[:20]}))
        """#
}
