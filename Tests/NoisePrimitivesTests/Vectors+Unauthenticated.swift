extension Vectors {
    struct Block: Sendable {
        let key: [UInt8]
        let plain: [UInt8]
        let encrypted: [UInt8]
    }

    struct Stream: Sendable {
        let key: [UInt8]
        let nonce: [UInt8]
        let counter: UInt32
        let plain: [UInt8]
        let encrypted: [UInt8]
    }

    /// FIPS 197 appendix C.3 and SP 800-38A appendix F.1.5.
    static let blocks = [
        Block(
            key: counting(to: 32), plain: hex("00112233445566778899aabbccddeeff"),
            encrypted: hex("8ea2b7ca516745bfeafc49904b496089")),
        Block(
            key: sp80038aKey, plain: hex("6bc1bee22e409f96e93d7e117393172a"),
            encrypted: hex("f3eed1bdb5d2a03c064b5a7e3db181f8")),
        Block(
            key: sp80038aKey, plain: hex("ae2d8a571e03ac9c9eb76fac45af8e51"),
            encrypted: hex("591ccb10d410ed26dc5ba74a31362870")),
        Block(
            key: sp80038aKey, plain: hex("30c81c46a35ce411e5fbc1191a0a52ef"),
            encrypted: hex("b6ed21b99ca6f4f9f153e7b1beafed1d")),
        Block(
            key: sp80038aKey, plain: hex("f69f2445df4f9b17ad2b417be66c3710"),
            encrypted: hex("23304b7a39f9f3ff067d8d8f9e24ecc7")),
    ]

    private static let sp80038aKey = hex("603deb1015ca71be2b73aef0857d7781 1f352c073b6108d72d9810a30914dff4")

    /// RFC 8439 §2.4.2 and appendix A.1 (1 and 3).
    static let streams = [
        Stream(
            key: counting(to: 32), nonce: hex("000000000000004a00000000"), counter: 1,
            plain: Array(
                "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it."
                    .utf8),
            encrypted: hex(
                """
                6e2e359a2568f98041ba0728dd0d6981 e97e7aec1d4360c20a27afccfd9fae0b f91b65c5524733ab8f593dabcd62b357
                1639d624e65152ab8f530c359f0861d8 07ca0dbf500d6a6156a38e088a22b65e 52bc514d16ccf806818ce91ab7793736
                5af90bbf74a35be6b40b8eedf2785e42 874d
                """)),
        Stream(
            key: repeating(0, 32), nonce: repeating(0, 12), counter: 0, plain: repeating(0, 64),
            encrypted: hex(
                """
                76b8e0ada0f13d90405d6ae55386bd28 bdd219b8a08ded1aa836efcc8b770dc7
                da41597c5157488d7724e03fb8d84a37 6a43b8f41518a11cc387b669b2ee6586
                """)),
        Stream(
            key: repeating(0, 31) + [1], nonce: repeating(0, 12), counter: 1, plain: repeating(0, 64),
            encrypted: hex(
                """
                3aeb5224ecf849929b9d828db1ced4dd 832025e8018b8160b82284f3c949aa5a
                8eca00bbb4a73bdad192b5c42f73f2fd 4e273644c8b36125a64addeb006c13a0
                """)),
    ]
}
