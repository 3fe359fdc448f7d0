import Datapath
import TestKit
import Wire

/// What a TUN device gives: a virtio header and a packet or super-packet, which is cut into segments; they go through
/// the coalescer, as the other end would send them.
///
/// An input is an options byte, a byte by which the packet is lengthened (in units of 256), the header and the packet.
final class SuperPacketParser: FuzzedParser {
    let share = 10
    let longestInput = 4096

    /// Bits of the options byte.
    private enum Option {
        static let rightLengths: UInt8 = 1
        /// The header's checksum start and segmentation type fit the packet.
        static let rightHeader: UInt8 = 2
        static let longer: UInt8 = 4
        static let mergesTCP: UInt8 = 8
        static let mergesUDP: UInt8 = 16
    }

    func run(_ input: inout Input) {
        let options = input.byte()
        let units = input.byte()
        let headerBytes = ExactBuffer(count: VirtioHeader.size)
        headerBytes.bytes.copyBytes(from: input.bytes(VirtioHeader.size))
        var header = VirtioHeader(loading: headerBytes.start)
        var packet = Array(input.all())
        if options & Option.longer != 0 {
            let room = 65_535 - packet.count
            packet += [UInt8](repeating: units, count: min(Int(units) * 256, room))
        }
        if options & Option.rightLengths != 0 { PacketMaker.mendLengths(&packet) }
        if options & Option.rightHeader != 0, packet.count > 40 { mend(&header, packet) }
        let memory = ExactBuffer(packet)
        if let view = IPPacket(memory.readable) { PacketCheck.look(at: view) }
        guard case .success(let plan) = Segmentation.plan(header: header, packet: memory.bytes) else { return }
        checkSegments(
            plan, header,
            CoalescerCheck(
                usesVirtioHeader: true, mergesTCP: options & Option.mergesTCP != 0,
                mergesUDP: options & Option.mergesUDP != 0))
    }

    private func mend(_ header: inout VirtioHeader, _ packet: [UInt8]) {
        let isIPv6 = packet[0] >> 4 == 6
        let isTCP = packet[isIPv6 ? 6 : 9] == TransportProtocol.tcp
        header.flags = VirtioHeader.needsChecksum
        header.checksumStart = isIPv6 ? 40 : UInt16(packet[0] & 15) * 4
        header.segmentationType =
            isTCP
            ? (isIPv6 ? VirtioHeader.SegmentationType.tcp6 : VirtioHeader.SegmentationType.tcp4)
            : VirtioHeader.SegmentationType.udp
    }

    private func checkSegments(_ plan: Segmentation, _ header: VirtioHeader, _ check: consuming CoalescerCheck) {
        require(plan.segmentCount >= 1, "there is something to send")
        require(plan.maximumLength <= plan.packet.length, "a segment is no longer than the packet")
        let target = ExactBuffer(count: plan.maximumLength)
        var payload = 0
        let indices = sampled(plan)
        for index in indices {
            let length = plan.write(segment: index, to: target.start)
            require(length <= plan.maximumLength && length >= plan.headerLength, "a segment has a sound length")
            guard let view = IPPacket(UnsafeRawBufferPointer(rebasing: target.readable[..<length])) else {
                fatalError("a segment is a packet")
            }
            require(view.length == length, "a segment is as long as it says")
            payload += length - plan.headerLength
            checkChecksums(view, plan, header)
            if check.count < 64 {
                let slot = ExactBuffer(count: Coalescer.headroom + length)
                (slot.start + Coalescer.headroom).copyMemory(from: target.start, byteCount: length)
                check.add(slot, at: slot.start + Coalescer.headroom, length: length)
            }
        }
        if indices.count == plan.segmentCount {
            require(payload == plan.packet.length - plan.headerLength, "the segments hold all payload")
        }
        check.finish()
    }

    /// Checksums are right where the packet's own headers tell all that goes into them.
    private func checkChecksums(_ segment: IPPacket, _ plan: Segmentation, _ header: VirtioHeader) {
        let transport =
            header.flags & VirtioHeader.needsChecksum != 0 ? Int(header.checksumStart) : segment.headerLength
        guard plan.segmentSize > 0, transport == segment.headerLength else { return }
        require(PacketCheck.hasRightChecksums(segment, transport: transport), "a segment's checksums are right")
    }

    /// All segments, or the first and last ones of a super-packet that makes a very large number of bytes.
    private func sampled(_ plan: Segmentation) -> [Int] {
        let most = max(2, 32_768 / max(1, plan.maximumLength))
        guard plan.segmentCount > most else { return Array(0..<plan.segmentCount) }
        return Array(0..<most / 2) + Array(plan.segmentCount - most / 2..<plan.segmentCount)
    }

    var samples: [[UInt8]] {
        let all = Option.rightLengths | Option.rightHeader | Option.mergesTCP | Option.mergesUDP
        let tcp4 = PacketMaker.tcpRun(isIPv6: false, [500])[0]
        let tcp6 = PacketMaker.tcpRun(isIPv6: true, [500])[0]
        let udp4 = SamplePacket.udp(from: .v4(IPv4Address(0x0a00_0001)), to: .v4(IPv4Address(0x0a00_0002)), length: 300)
        let optioned: [UInt8] = [0x46] + udp4[1..<20] + [1, 1, 1, 0] + udp4[20...]
        var extended = Array(tcp6[..<6])
        extended += [0] + tcp6[7..<40]
        extended += [TransportProtocol.tcp, 0, 1, 4, 0, 0, 0, 0] + tcp6[40...]
        var completed = VirtioHeader()
        completed.flags = VirtioHeader.needsChecksum
        completed.checksumStart = 20
        completed.checksumOffset = 16
        var samples: [[UInt8]] = []
        for packet in [tcp4, tcp6, udp4] {
            samples.append([0, 0] + bytes(of: VirtioHeader()) + packet)
            samples.append([all | Option.longer, 200] + bytes(of: superHeader(0)) + packet)
        }
        for packet in [tcp4, tcp6, udp4, optioned] {
            samples.append([all, 0] + bytes(of: superHeader(0)) + packet)
        }
        samples.append([all & ~Option.rightHeader, 0] + bytes(of: superHeader(48)) + extended)
        samples.append([0, 0] + bytes(of: completed) + tcp4)
        return samples
    }

    private func superHeader(_ start: UInt16) -> VirtioHeader {
        var header = VirtioHeader()
        header.flags = VirtioHeader.needsChecksum
        header.segmentationType = VirtioHeader.SegmentationType.tcp6
        header.segmentSize = 100
        header.checksumStart = start
        header.checksumOffset = 16
        return header
    }

    private func bytes(of header: VirtioHeader) -> [UInt8] {
        let bytes = ExactBuffer(count: VirtioHeader.size)
        header.store(to: bytes.start)
        return Array(bytes.bytes)
    }
}
