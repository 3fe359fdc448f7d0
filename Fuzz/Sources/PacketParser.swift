import Datapath
import TestKit
import Wire

@testable import Tunnel

/// Runs of packets that a peer sends: each is sealed, opened, checked, marked, and joined with its neighbours.
///
/// An input is an options byte and packets as ``PacketMaker`` reads them.
final class PacketParser: FuzzedParser {
    let share = 10
    let longestInput = 4096

    private static let mostPackets = 40
    private var world = World()
    private var runs = 0

    func run(_ input: inout Input) {
        runs += 1
        if runs.isMultiple(of: 50_000) { world = World() }
        let options = input.byte()
        // Sessions end, and packets then come on the next one.
        world.advance(by: .milliseconds(1))
        let sender = world.friendlySession()
        guard let receiver = world.host.shared.indices.session(sender.remoteIndex) else {
            fatalError("The host has the session.")
        }
        var check = CoalescerCheck(
            usesVirtioHeader: options & 1 == 0, mergesTCP: options & 2 == 0, mergesUDP: options & 4 == 0)
        let outer = ECN(trafficClass: options >> 3)
        var previous: [UInt8]?
        while !input.isEmpty, check.count < Self.mostPackets {
            guard let packet = PacketMaker.next(&input, after: previous) else { continue }
            previous = packet
            guard let opened = transfer(packet, sender, receiver) else { continue }
            let inner = opened.start + Message.Data.headerSize
            let bytes = UnsafeRawBufferPointer(start: inner, count: packet.count)
            guard let view = IPPacket(bytes) else { continue }
            PacketCheck.look(at: view)
            let checksum = PacketCheck.headerSum(view)
            ECN.decapsulate(outer: outer, packet: inner)
            require(PacketCheck.headerSum(view) == checksum, "marking keeps a header checksum right")
            check.add(opened, at: inner, length: view.length)
        }
        check.finish()
        world.settle()
    }

    /// The slot after a way through the tunnel, which keeps the packet as it is.
    private func transfer(_ packet: [UInt8], _ sender: Keypair, _ receiver: Keypair) -> ExactBuffer? {
        guard let counter = sender.reserve(1) else { return nil }
        let slot = ExactBuffer(count: packet.count + Message.Data.overhead)
        UnsafeMutableRawBufferPointer(rebasing: slot.bytes[Message.Data.headerSize...]).copyBytes(from: packet)
        sender.seal(slot.start, length: packet.count, counter: counter)
        require(receiver.open(slot.start, length: slot.bytes.count) == counter, "what was sealed can be opened")
        require(receiver.withReplayWindow { $0.accept(counter) }, "a new counter is accepted")
        return slot
    }

    var samples: [[UInt8]] {
        let run4 = PacketMaker.tcpRun(isIPv6: false, [100, 100, 100, 40])
        let run6 = PacketMaker.tcpRun(isIPv6: true, [60, 60, 10])
        let datagrams = [28 + 50, 28 + 50, 28 + 20].map {
            SamplePacket.udp(from: .v4(IPv4Address(0x0a00_0001)), to: .v4(IPv4Address(0x0a00_0002)), length: $0)
        }
        var runs = [run4, run6, datagrams, [run4[1], run4[0], run4[2]]]
        runs.append(run4 + datagrams + run6)
        var samples: [[UInt8]] = []
        for run in runs { samples.append([0] + run.flatMap { PacketMaker.record($0) }) }
        var followers = PacketMaker.record(run4[0])
        followers += [4, 100, 0] + [UInt8](repeating: 1, count: 100)
        followers += [4, 4, 0, 7, 7, 7, 7]
        followers += [12, 200, 0, 4, 0, 7, 7, 7, 7]
        let options: [UInt8] = [0, 1, 6, 0x18]
        for option in options { samples.append([option] + followers) }
        return samples
    }
}
