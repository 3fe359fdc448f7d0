import NoisePrimitives
import Obfuscation
import TestKit
import Tunnel
import Wire

/// What comes in a disguise: datagrams and runs of them, as they are or made by the disguise and then changed, to a codec with settings of
/// the input's.
///
/// An input is a byte for the dialect, one of options, the settings and then steps: a byte that chooses, and what it needs.
final class CodecParser: FuzzedParser {
    let share = 13
    let longestInput = 4096

    /// Bits of the options byte.
    private enum Option {
        static let toServer: UInt8 = 1
        /// Whether handshake messages are genuine.
        static let isGenuine: UInt8 = 2
        static let hasSpecialPackets: UInt8 = 4
    }

    private static let client = PublicKey(Bytes32(0..<32)!)
    private static let server = PublicKey(Bytes32(32..<64)!)

    func run(_ input: inout Input) {
        let name = DialectName.allCases[Int(input.byte()) % DialectName.allCases.count]
        let options = input.byte()
        let settings = self.settings(of: name, options, &input)
        guard let dialect = try? Dialect.resolve(ObfuscationSettings(), interface: settings),
            let trial = CodecTrial(
                dialect, from: Self.client, to: Self.server, toServer: options & Option.toServer != 0,
                isGenuine: options & Option.isGenuine != 0)
        else { return }
        var steps = 0
        while !input.isEmpty, steps < 16 {
            steps += 1
            switch input.byte() & 3 {
            case 0: trial.receive(stride: Int(input.number(UInt16.self)), Array(input.bytes(Int(input.byte()) * 8)))
            case 1: trial.handshake(&input)
            case 2: trial.data(&input)
            default: trial.prelude()
            }
        }
    }

    private func settings(of name: DialectName, _ options: UInt8, _ input: inout Input) -> ObfuscationSettings {
        var settings = ObfuscationSettings()
        settings.dialect = name
        switch name {
        case .plain, .lwo, .xorBatch: break
        case .warp: settings.reserved = Array(input.bytes(3))
        case .swgp, .swgpParanoid, .swgp2026, .swgpParanoid2026:
            settings.key = ObfuscationKey(Array(Base64.encode(Bytes32(repeatElement(input.byte(), count: 32))!).utf8))
            settings.pathMTU = 1280 + UInt16(input.byte())
        case .veil, .wgObfuscator, .wgObfuscatorSTUN, .xor:
            settings.key = ObfuscationKey(Array(input.bytes(Int(input.byte()))))
        case .amneziaWG: settings.amneziaWG = amneziaWG(options, &input)
        }
        return settings
    }

    private func amneziaWG(_ options: UInt8, _ input: inout Input) -> AmneziaWGSettings {
        var settings = AmneziaWGSettings()
        settings.junkCount = UInt16(input.byte() & 7)
        settings.junkMinimum = UInt16(input.byte())
        settings.junkMaximum = settings.junkMinimum + UInt16(input.byte())
        settings.prefixes = (0..<4).map { _ in UInt16(input.byte()) }
        settings.headers = (0..<4).map { _ in
            let low = input.number(UInt32.self)
            return low...max(low, input.number(UInt32.self))
        }
        let key = Bytes32(repeatElement(input.byte(), count: 32))!
        settings.headerProtectionKey = Secret32(key)
        let padding = UInt16(input.byte())
        settings.contentPadding = padding == 0 ? nil : 0...padding
        settings.randomTrailers = input.byte() & 1 != 0
        if options & Option.hasSpecialPackets != 0 {
            settings.specialPackets[0] = String(decoding: input.bytes(Int(input.byte())), as: UTF8.self)
        }
        return settings
    }

    var samples: [[UInt8]] {
        DialectName.allCases.enumerated().map { number, name in
            var sample: [UInt8] = [UInt8(number), Option.toServer | Option.isGenuine | Option.hasSpecialPackets]
            switch name {
            case .plain, .lwo, .xorBatch: break
            case .warp: sample += [1, 2, 3]
            case .swgp, .swgpParanoid, .swgp2026, .swgpParanoid2026: sample += [7, 220]
            case .veil, .wgObfuscator, .wgObfuscatorSTUN, .xor: sample += [4] + Array("test".utf8)
            case .amneziaWG:
                sample += [3, 10, 20, 15, 16, 17, 18]
                for first in UInt32(1)...4 { sample += littleEndian(first << 20) + littleEndian(first << 20 | 0xffff) }
                sample += [9, 0, 1, 8] + Array("<r 5><t>".utf8)
            }
            // Handshakes as they are and damaged, data as it is and in a wrong stride, noise, what goes before.
            sample += [1, 0, 0, 0, 0, 0] + [1, 1, 1, 9, 0, 0]
            sample += [2, 3, 200, 0, 50, 0, 0, 0, 0, 0] + [2, 9, 100, 0, 100, 0, 1, 77, 0, 3]
            sample += [0, 64, 0, 20] + (0..<160).map { UInt8(truncatingIfNeeded: $0 * 37) } + [3]
            return sample
        }
    }
}
