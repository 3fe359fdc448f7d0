import Control
import Wire

@testable import Quick

/// The text of a resolv.conf: a tunnel's file made from it is known as such, and the lines of others are kept.
///
/// An input is a byte that chooses what to do and the text.
final class ResolvConfParser: FuzzedParser {
    let share = 1
    let longestInput = 512

    func run(_ input: inout Input) {
        let choice = input.byte()
        let text = Array(input.all())
        if choice & 1 != 0 { require(MountPoints.mountPoint(in: text).count <= text.count, "a place is in its line") }
        let file = ResolvConf(text)
        require(file.nameservers.count <= text.count / "nameserver ::".utf8.count, "a server has a line")
        require(file.searchDomains.count <= text.count, "a domain has a letter")
        if let block = file.block {
            require(block.others.reduce(0) { $0 + $1.count } < text.count, "others' lines are less than all")
            let merged = file.adding(block.others)
            require(merged == merged.adding(block.others), "lines are added once")
        }
        let setting = DNSSetting(
            interface: "wg0", interfaceIndex: 1, servers: [.v4(IPv4Address(0x0a00_0001))], searchDomains: ["a.b"])
        let edited = file.replaced(by: setting, backup: "/b")
        require(
            edited.block?.interface == "wg0" && edited.block?.isPristine == true, "a tunnel's file is known as such")
        require(edited.nameservers == setting.servers, "a tunnel's file has its servers")
        require(edited.searchDomains == setting.searchDomains, "a tunnel's file has its domains")
    }

    var samples: [[UInt8]] {
        let texts = [
            "# x\nnameserver 192.0.2.1\nnameserver ::1\nsearch a b\noptions edns0 ndots:2\nsortlist 10.0.0.0\n",
            "# nightjar wg0 0123456789abcdef: x\nnameserver 10.0.0.1\n# nightjar wg0 end\nnameserver 9.9.9.9\n",
            "# nightjar wg0 x: y", "domain home.example\n;\n\n\n",
            #"36 35 98:0 /mnt1 /a\040b\134c rw,noatime master:1 - ext3 /dev/root rw"#,
        ]
        return texts.flatMap { text in [[0] + Array(text.utf8), [1] + Array(text.utf8)] }
    }
}
