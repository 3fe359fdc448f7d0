import NoisePrimitives
import TestKit
import Testing
import Tunnel
import Wire

@testable import Obfuscation

/// The test vectors of docs/veil.md §11, which come from a program that was written after the document, in Python over hashlib's
/// BLAKE2s, its own HChaCha20, and the `cryptography` package's AES and ChaCha20-Poly1305.
@Suite struct VeilVectorTests {
    private let secret = ObfuscationKey(Array("nightjar".utf8))

    private func keys(_ direction: VeilKeys.Direction, secret: ObfuscationKey?) -> VeilKeys {
        VeilKeys(server: VeilPair.serverKey, secret: secret, direction: direction)
    }

    @Test(arguments: [
        (
            VeilKeys.Direction.toServer, false, "3f69325e6ac4193c9dfc39d0e19908946933dd3b4c8c8ded7d6b22a5a7cf79cb",
            "0773362b04d5578f223388ea3621ea3dc6334019fcee124d0e71c08235e5e4ea",
            "39e6a1e1ca9e0a4106595e037743b357746e1186df1e28f05e85ff2dcbbeb44e"
        ),
        (
            .toClient, false, "fed0adbc1d8801f1e79fdf22ff20471183f63e057517495f370c58c6b637406f",
            "d5bf87de868b7ac64f371058184bff77e8081b563d5d1fa4d56735b2bb747263",
            "f12d02876abdf635e382d35099b3e69a65495e5b61fd76cfadaec0f704ebeab6"
        ),
        (
            .toServer, true, "5db18f02f89036b5120a4ab6ff62344461eca96f890e96a004cc1638a9c97604",
            "342fb0725a301c65ffb12a1fb15cce514b705b39a68af9787e9b0fc57f64a24b",
            "02f760ae515a0588be52b9e6d06bbbafc4b7fa8caf470fa5513aff8389dede10"
        ),
        (
            .toClient, true, "2d2eea0b5fe8a8dc06415db9019fe7a46baefb804e10491af1566594590c7d43",
            "e7df9e97fe9f0fec607b3ec1c64754d32cf5dcf5b52abecc1ee6bbbddf005275",
            "5c89c9fa5a9a78f9e0ff0690024f0e6bb15f5a1ebeb566db093088beaef1fadc"
        ),
    ])
    func keys(
        direction: VeilKeys.Direction, withSecret: Bool, handshake: String, proof: String, data: String
    ) throws {
        let keys = keys(direction, secret: withSecret ? secret : nil)
        #expect(keys.handshake.bytes.array == [UInt8](hex: handshake))
        // A cipher doesn't show its key, but what it makes of a block.
        for (cipher, key) in [(keys.proof, proof), (keys.data, data)] {
            let expected = AES256(key: Secret32(try #require(Bytes32([UInt8](hex: key)))))
            #expect(encrypted(by: cipher) == encrypted(by: expected))
        }
    }

    private func encrypted(by cipher: AES256) -> [UInt8] {
        var block = Array(UInt8(0)..<16)
        block.withUnsafeMutableBytes { cipher.encrypt($0.baseAddress!, into: $0.baseAddress!) }
        return block
    }

    struct Data: Sendable {
        let direction: VeilKeys.Direction
        let counter: UInt32
        let sealed: Range<UInt8>
        let suffix: Int
        let wire: String
    }

    @Test(arguments: [
        Data(
            direction: .toServer, counter: 7, sealed: 0xa0..<0xb0, suffix: 0,
            wire: "0c850f2643e68d333aa0a1a2a3a4a5a6a7a8a9aaabacadaeaf"),
        Data(
            direction: .toServer, counter: 0x89ab_cdef, sealed: 0x80..<0xa0, suffix: 5,
            wire: "4c6b0548a35d8c07f1808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f367f4b8680"),
        Data(
            direction: .toClient, counter: 0x89ab_cdef, sealed: 0x80..<0xa0, suffix: 29,
            wire: "01e1b635dddb3437ee808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f33d4032356fc7b8526"
                + "b85308b13af9c5983ce351f5af2be9eb70c11650"),
    ])
    func data(_ vector: Data) {
        let pair = VeilPair(secret: "nightjar")
        let disguise = vector.direction == .toServer ? pair.client : pair.server
        let codec = vector.direction == .toServer ? pair.serverCodec : pair.clientCodec
        let wire = [UInt8](hex: vector.wire)
        var random = KeystreamGenerator(seededBy: SeededRandom(seed: 1))

        var bytes = [UInt8](repeating: 0, count: 9) + vector.sealed + [UInt8](repeating: 0, count: vector.suffix)
        bytes.withUnsafeMutableBytes { bytes in
            let start = bytes.baseAddress!
            DataHeader.store(
                .compact, receiver: 0x1122_3344, counter: UInt64(vector.counter), suffix: vector.suffix,
                before: start + 9)
            disguise.conceal(
                DataRun(start: start, length: bytes.count, stride: bytes.count, prefix: 9, position: 0),
                random: &random)
        }
        #expect(bytes == wire)

        #expect(codec.receiver(of: wire) == 0x1122_3344)
        let revealed = codec.revealed([wire], receiver: 0x1122_3344)
        #expect(revealed.messages.map(\.counter) == [UInt64(vector.counter)])
        #expect(revealed.messages.map(\.body) == [Array(vector.sealed)])
    }

    struct Handshake: Sendable {
        let direction: VeilKeys.Direction
        var hasSecret = true
        let kind: UInt8
        let size: Int
        let wire: String
    }

    private static let handshakes = [
        Handshake(
            direction: .toServer, kind: 1, size: 148,
            wire:
                "404142434445464748494a4b4c4d4e4f4686cfa7a12817fca80e073089972b0440c07a8e1ca573a36683df2d10ec0b6d0b5a4d"
                + "b9eaf23a193df517dbb3ef20dcfa0089a3d0d4a92f3911dc782c6314b2459fc0a2ae452723cecec306eea8c067a324c666b8"
                + "09876397c2f46729d6de1eae40ffe324b6abf0958d448c2f6a124aa5108ab876e46a3f0320690b55dbe01aac09482a4981ca"
                + "d9ab8a5a7a916cac16a660add3965fb1ac24ebcaaf571a86e99228540b8f9c766781a24287d58f7bab1ca145746e9f89f7"),
        Handshake(
            direction: .toClient, kind: 2, size: 92,
            wire:
                "404142434445464748494a4b4c4d4e4f81b77d5362eeed5b7c5447fa2b1931d281b4fb65f14befae9cb3b041f0593788c3d985"
                + "7cc5d83f91a0d8b105173e00811e7d85ff7d0b7d37cb366bce42049d1a9620493f39bd1976198c376a022a006014dccc5236"
                + "6a9c766b4e6b86a8da265f39bf9579e5e085d3acce457b31aede6d3f34f0637f0dc2ac43c98dc839709ce4"),
        Handshake(
            direction: .toClient, kind: 3, size: 64,
            wire:
                "404142434445464748494a4b4c4d4e4f81b77d5362eeed5b7c5447fa2b1931d280b4fb65f14befae9cb3b041f0593788c3d985"
                + "7cc5d83f91a0d8b105173e00811e7d85ff7d0b7d37cb366bce42049d1a9620493f39bd1976198c376a022a0060d57f9a8cab"
                + "b3ac65da3e4ac12fa8d775"),
        Handshake(
            direction: .toServer, kind: 0, size: 1,
            wire:
                "404142434445464748494a4b4c4d4e4f4686cfa7a12817fca80e073089972b0441c07a8e18a075a46e8ad5261ce10562320297"
                + "ec81b7d19f9ec53371707c9387"),
        Handshake(
            direction: .toServer, hasSecret: false, kind: 3, size: 64,
            wire:
                "404142434445464748494a4b4c4d4e4f3969e604dd08d41b2d1e3cedee83e6832dabd28cb829c52bc1d103371fc78e5271f381"
                + "d56e86ecdc40e3ace9821bfdf2393a23f438ff51a84dd0b3808f74c3c930de7876b9278d96d3bc162a47950c073bd1f6ea4f"
                + "f5cbb4f8e66d61d9a706b1aed563912706d3e5"),
    ]

    @Test(arguments: Self.handshakes)
    func handshake(_ vector: Handshake) {
        let message = [vector.kind] + (vector.size == 1 ? [] : [0, 0, 0] + (4..<UInt8(vector.size)))
        let wire = [UInt8](hex: vector.wire)
        let keys = keys(vector.direction, secret: vector.hasSecret ? secret : nil)

        var sealed = Array(UInt8(0x40)..<0x50) + [UInt8](repeating: 0xff, count: wire.count - 16)
        sealed.withUnsafeMutableBytes { sealed in
            message.withUnsafeBytes { keys.sealHandshake($0, into: sealed, at: VeilPair.start) }
        }
        #expect(sealed == wire)

        let pair = VeilPair(secret: vector.hasSecret ? "nightjar" : nil)
        let opened = (vector.direction == .toServer ? pair.serverCodec : pair.clientCodec).handshake(in: wire)
        #expect(opened.finding == (vector.kind == 0 ? .ignored : .message(message.count)))
        #expect(opened.message == (vector.kind == 0 ? [] : message))
    }
}
