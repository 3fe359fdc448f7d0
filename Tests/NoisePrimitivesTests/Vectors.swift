/// Known answers of every primitive: of its RFC or draft where it has them, else computed with two independent
/// implementations.
enum Vectors {
    struct Hash: Sendable {
        let key: [UInt8]
        let data: [UInt8]
        let output: [UInt8]
    }

    struct KeyDerivation: Sendable {
        let chainingKey: [UInt8]
        let input: [UInt8]
        let outputs: [[UInt8]]
    }

    struct DiffieHellman: Sendable {
        let privateKey: [UInt8]
        let publicKey: [UInt8]
        let output: [UInt8]
    }

    struct Sealing: Sendable {
        let key: [UInt8]
        let nonce: [UInt8]
        let associatedData: [UInt8]
        let plaintext: [UInt8]
        let output: [UInt8]
    }

    /// RFC 7693 appendix B and the known answers of the BLAKE2 reference.
    static let blake2s = [
        Hash(
            key: hex(""),
            data: hex(""),
            output: hex("69217a3079908094e11121d042354a7c1f55b6482ca1a51e1b250dfd1ed0eef9")),
        Hash(
            key: hex(""),
            data: hex("616263"),
            output: hex("508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982")),
        Hash(
            key: counting(to: 32),
            data: hex(""),
            output: hex("48a8997da407876b3d79c0d92325ad3b89cbb754d86ab71aee047ad345fd2c49")),
        Hash(
            key: counting(to: 32),
            data: counting(to: 255),
            output: hex("3fb735061abc519dfe979e54c1ee5bfad0a9d858b3315bad34bde999efd724dd")),
    ]

    /// MAC of Protocol §1, with keys of MAC1 and of MAC2.
    static let mac = [
        Hash(
            key: counting(to: 32),
            data: hex(""),
            output: hex("9536f9b267655743dee97b8a670f9f53")),
        Hash(
            key: counting(to: 16),
            data: hex(""),
            output: hex("af4e5d3bb230e9ff9096ca6f7c501f76")),
        Hash(
            key: counting(to: 32),
            data: hex("616263"),
            output: hex("61ba5f165c194692e09d12520cc4c74a")),
        Hash(
            key: counting(to: 16),
            data: hex("616263"),
            output: hex("75296c2d2c0f51210b383f386bc8b1ff")),
        Hash(
            key: counting(to: 32),
            data: counting(to: 64),
            output: hex("f1efa90d2547036841ecd3627fafbc36")),
        Hash(
            key: counting(to: 16),
            data: counting(to: 64),
            output: hex("dd55c51c98f8ab96ed272882941f0b6a")),
        Hash(
            key: counting(to: 32),
            data: counting(to: 65),
            output: hex("811ff8686d23a435ecbd0bdafcd27b1b")),
        Hash(
            key: counting(to: 16),
            data: counting(to: 65),
            output: hex("9018c671bb7e94a6d540a91765bbecad")),
        Hash(
            key: counting(to: 32),
            data: repeating(0x00, 200),
            output: hex("a5e60c5a2c100f6358a695d00fdf9bc2")),
        Hash(
            key: counting(to: 16),
            data: repeating(0x00, 200),
            output: hex("97007c6135ef0e92618f0808f27a4c51")),
    ]

    /// HMAC over BLAKE2s-256, with keys shorter than a block, as long and longer.
    static let hmac = [
        Hash(
            key: repeating(0x00, 32),
            data: hex(""),
            output: hex("eaf4bb25938f4d20e72656bbbc7a9bf63c0c18537333c35bdb67db1402661acd")),
        Hash(
            key: counting(to: 32),
            data: hex("616263"),
            output: hex("82623be5bc0a391b24dce53e67d028eff92d586de0485ac37822e597d049c74f")),
        Hash(
            key: counting(to: 64),
            data: hex("616263"),
            output: hex("3a0ef09eac123871fb79852ec512086d013abff437bd68ca03630932bd6ba81f")),
        Hash(
            key: counting(to: 80),
            data: hex("6b6579206c6f6e676572207468616e207468652036342d6279746520626c6f636b"),
            output: hex("033da98d5cec05b5ed26b79f849f1acbfd66a53127850bc3ca07027e10fe68d4")),
    ]

    /// KDF1 to KDF3; the last one is in the tests of wireguard-go, with a key of eight bytes, which HMAC pads.
    static let keyDerivation = [
        KeyDerivation(
            chainingKey: counting(to: 32),
            input: hex("616263"),
            outputs: [
                hex("c67e0b211ebf48c12c6d41da8fcee207d4c325a8c30f054d97401b14ed212f9f")
            ]),
        KeyDerivation(
            chainingKey: counting(to: 32),
            input: hex(""),
            outputs: [
                hex("7a38c34bf2b8738d7374ca77c44ecb309a11d2b2528304fa86052c365e722624"),
                hex("1a17621f346abdc520746a9fb64d8eb03231d674fc15687537b0780fd9c060fd"),
            ]),
        KeyDerivation(
            chainingKey: counting(to: 32),
            input: repeating(0x00, 32),
            outputs: [
                hex("26a7cb98e6f911d89a8028836ef4efa2404925b85a697c290b0455ddf7fb4922"),
                hex("9782d81e6b7dd6aeb09248a2cd7216245d70839ffe3cc50a24e23c56cb9f3f84"),
            ]),
        KeyDerivation(
            chainingKey: counting(to: 32),
            input: counting(to: 32),
            outputs: [
                hex("1fcf29000a27f12dc0691acf0f15bf4c55199f925d65441a3c08b566fce08d13"),
                hex("704818f0cdc896cc3d7fe77c61f24e33db30aa69ef63758d5cfce8d6335c1b46"),
                hex("7c46c5eddb1418694b9a599d7d5842039b4fbbf946e376bf59d19847342fee80"),
            ]),
        KeyDerivation(
            chainingKey: hex("746573742d6b6579"),
            input: hex("746573742d696e707574"),
            outputs: [
                hex("6f0e5ad38daba1bea8a0d213688736f19763239305e0f58aba697f9ffc41c633"),
                hex("df1194df20802a4fe594cde27e92991c8cae66c366e8106aaa937a55fa371e8a"),
                hex("fac6e2745a325f5dc5d11a5b165aad08b0ada28e7b4e666b7c077934a4d76c24"),
            ]),
    ]

    /// RFC 7748 §5.2, of which the second has the top bit of the public key set, and §6.1.
    static let x25519 = [
        DiffieHellman(
            privateKey: hex("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4"),
            publicKey: hex("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c"),
            output: hex("c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552")),
        DiffieHellman(
            privateKey: hex("4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d"),
            publicKey: hex("e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493"),
            output: hex("95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957")),
        DiffieHellman(
            privateKey: hex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"),
            publicKey: hex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"),
            output: hex("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742")),
    ]

    /// RFC 8439 §2.8.2, then nonces as WireGuard makes them.
    static let chaCha20Poly1305 = [
        Sealing(
            key: hex("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"),
            nonce: hex("070000004041424344454647"),
            associatedData: hex("50515253c0c1c2c3c4c5c6c7"),
            plaintext: sunscreen,
            output: hex(
                """
                d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b
                1a71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc
                3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691
                """)),
        Sealing(
            key: counting(to: 32),
            nonce: repeating(0x00, 12),
            associatedData: hex(""),
            plaintext: hex(""),
            output: hex("10324f800a160bd9a1794255be7ec29d")),
        Sealing(
            key: counting(to: 32),
            nonce: hex("000000000100000000000000"),
            associatedData: hex(""),
            plaintext: repeating(0x00, 16),
            output: hex("9f57f35fb52aaf1829b6ae5c52959987f5d437efb9a7799af880e0bac46f4c89")),
        Sealing(
            key: counting(to: 32),
            nonce: hex("000000000500000001000000"),
            associatedData: hex(""),
            plaintext: counting(to: 64),
            output: hex(
                """
                0a61e80e9e777e99dda4ddda3dad49009deffebbf160c066034196501ddf7625772e1630feb22d430089f2109a4968df
                64816bc530e76a8b383a72780e0bfcc78b92393cafc11d3fdca4667f84ffeee3
                """)),
        Sealing(
            key: counting(to: 32),
            nonce: hex("00000000fedfffffffffffff"),
            associatedData: hex(""),
            plaintext: repeating(0x78, 1420),
            output: hex(
                """
                09102c610476f1555eb3dc26392255aef612ab98b4b44ad3d222d3cd69d7f3fdfd4c725a431732f225736b0f0f76fad4
                c908bd5d09f524cd0d273e7099989126fe3d7e7114cd23735900a3f59a8663dd1925e76ad383611c2a7f874904fc0a24
                1ca8ac74000b0d6afe9f518b1fca78c8ab2063e58c93b55dfe25feff37b222183b51e2263a12ca1ce59cc616e830adf8
                1cc355ef1cbd51061a90784fd02739effdd743afd2bd394225325cc1bb91970188cde7c9d7ea4e89129e67d909df518c
                a2bed80d16bf9d0a60a757715d263742d40e2cdf5a508ae496bef0e591098a837908b0406d2c5a84cefd6340f1bcf24c
                7f708c0233a5e389ad18d692b9895a671aaab6b1490f5cfc5ef770925aacee14346e2193edb71efef2efc8a6f67fbac7
                e11594c1ec9125bcd28b5fd20e3998a0dd3950eb477015153b199d9bb389d8ba23ae3ade343a0ec4f3e4ad4afea2b94a
                195cbb87aa9082c869c21b61e19001737e342d8e073bf75b941de44ac7ae902a900c5ab97de7e3bd3a03a5d7fa78936b
                a2684075118c9400cfde96ce357e75868805a50c853420c0d1c5137af843de619ab08ea90e555fd74af15ec7425cf0fb
                24c8b178c22be1e0c161249fe9e6c10c38bedda602c24bf53c86a79334d60f9717efccbbd28bffaf9c3c646961f00b6d
                9e850e395d47bf6b99279d9a131be62c6af9ea01ceeffa0fb43514dbd88eced4373f8f6fcbaf1b49e6b89848151ead3d
                ba247443f8064cba5e77b8b99f2e6ef4d5c9a886eb2b1c2183918fd86f670bfbbfef009dedd2027151436f89e8640651
                1813cb589109e8b21971b2dc65e25c7630b574c1741f408d3a4d760053ad86d5ffbcb9aa80d5aa5e8a539d5f44209edc
                056cc5c25599aac6f52c42de94e62f2b498b21d7ded5a387bc0a9fc73e224ddec5855f90031615ea961c100177ea2d48
                f1379b60246197d455e8cf90935778d2f46b4b296064907a9b9328b3e0b63d1f054c2a68252982c41b8c7f34a3c53df9
                aa3a4d4317938ffda66e00fbef16f1536e44a4448af3d28690fb2781982e624dab721526a28c3bf751c9e6225aa324cf
                736973b9a7686eedca4763ff3c7491ff6a7c3738b595aff9ac38ef722af9764dbddd9f1211d33c28959a219aee0e9a85
                d8a10ba74c7293202bfc32fd7eedb9a01d968d5f9a215a2bcd34e8643d1f7734a1adeb35a5fc5e05da2849c3e1ef73e5
                9b6d38b9f46ce284cf31e98313711eed99801aabba3d5d1e146290732c4494e73bd0a11be827f8e772e19ac7da9fae50
                513c08d2753fbecec9e251ea5afb294d1d5ec75e0722e8b2805bc50e1374ba4a1b15734750afb7faef745d6cb00de77d
                e680aaca3e151cfe872cddbb0495c010c1dcae7753cf25299f8823d28411863a1421b03799b28a3600a80328e0c67178
                1eb87189d8d60c0e971c84a5dee22d77d64751109e572b7e9d52edcf70425dba016d81f3b3170b79b865ff5e48bb616a
                607d4e68ceb9c180b7cd9fe10cf2acd50cbfee32ea661fb622f9471265c1c4eea3ee1c5a1c9d9ec7180c23b898e13f0b
                0713d65f1e4429842a54fae3b119a53c66965ebb881e9e998b03799fc2dd2ea5e3fb1706b2789cd54db66df45abefbfb
                44441a849f14e2314b6f47f5a11ad24d0c4d4ee57bb9c60b500c4408013de635808bbc4102593b90ca17fef08c26620a
                bb7bde86c26322b0fe5a3294782fbaed6e557edaf3c99f57a36eb97cecaa0f8efa2a7304535e82b6bc7914426a875286
                6569d009738984dd439f9c5fa8d1ec079843425c24b0c382510d17d9b498a12e865b557059b00ba3efc376534b42b92d
                927d6e2ebde1511eefc7bb32c69b2dfea2f31bbf4b1e440747644f215eac6159aeb53fc6c0c47740b9b4fd4764547883
                7ac0bb233d7246189114fffa3b6a6a6264837b884f1b258c21f9e01c2d3a7da8f3f3c1ab8e0f3b7f7b5b883927f4fc0e
                1f421d04f875102e531ce346ac35dd05a4d22f26c7821680803ae3c8b534457edeca6bd4378cad4fd2f0a749
                """)),
    ]

    /// draft-irtf-cfrg-xchacha appendix A.3.1.
    static let xChaCha20Poly1305 = [
        Sealing(
            key: hex("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"),
            nonce: hex("404142434445464748494a4b4c4d4e4f5051525354555657"),
            associatedData: hex("50515253c0c1c2c3c4c5c6c7"),
            plaintext: sunscreen,
            output: hex(
                """
                bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3a82f4eda7e39
                ae64c6708c54c216cb96b72e1213b4522f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9
                21f9664c97637da9768812f615c68b13b52ec0875924c1c7987947deafd8780acf49
                """))
    ]

    /// draft-irtf-cfrg-xchacha §2.2.1; the data is the nonce.
    static let hChaCha20 = Hash(
        key: counting(to: 32),
        data: hex("000000090000004a0000000031415927"),
        output: hex("82413b4227b27bfed30e42508a877d73a0f9e4d58a74a853c12ec41326d3ecdc"))

    private static let sunscreen = [UInt8](
        """
        Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.
        """.utf8)
}
