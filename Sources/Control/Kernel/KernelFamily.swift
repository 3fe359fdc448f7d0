/// The numbers of the kernel's generic netlink family `wireguard`. UAPI Part 2.
enum KernelFamily {
    static let name = "wireguard"
    static let version: UInt8 = 1

    // Commands.
    static let getDevice: UInt8 = 0
    static let setDevice: UInt8 = 1

    /// Attributes of an interface.
    enum Device {
        static let name = 2
        static let privateKey = 3
        static let flags = 5
        static let listenPort = 6
        static let firewallMark = 7
        static let peers = 8

        static let replacesPeers: UInt32 = 1
    }

    /// Attributes of a peer. The list of peers holds each as an attribute of type 0.
    enum Peer {
        static let publicKey = 1
        static let presharedKey = 2
        static let flags = 3
        static let endpoint = 4
        static let persistentKeepalive = 5
        static let lastHandshake = 6
        static let receivedBytes = 7
        static let transmittedBytes = 8
        static let allowedIPs = 9

        static let removes: UInt32 = 1
        static let replacesAllowedIPs: UInt32 = 2
        static let updatesOnly: UInt32 = 4
    }

    /// Attributes of an allowed IP. The list of them holds each as an attribute of type 0.
    enum AllowedIP {
        static let family = 1
        static let address = 2
        static let length = 3
        static let flags = 4

        static let removes: UInt32 = 1
    }
}
