import Control
import Glibc
import Testing

@Suite("Finding configuration files")
struct ConfigurationFindingTests {
    private let directory = TemporaryDirectory()

    @Test("a name stands for a file in the directory, a path for itself")
    func found() throws {
        write("wg0.conf", mode: 0o600)
        let expected = ConfigurationFile.Location(interface: "wg0", path: "\(directory.path)/wg0.conf", warning: nil)
        #expect(try ConfigurationFile.find(argument: "wg0", directory: directory.path) == expected)
        #expect(try ConfigurationFile.find(argument: "\(directory.path)/wg0.conf", directory: "/nowhere") == expected)
    }

    @Test("links are followed, and the interface has the link's name")
    func linked() throws {
        write("real.txt", mode: 0o600)
        #expect(symlink("\(directory.path)/real.txt", "\(directory.path)/wg1.conf") == 0)
        let location = try ConfigurationFile.find(argument: "wg1", directory: directory.path)
        #expect(location.interface == "wg1")
        #expect(location.path == "\(directory.path)/real.txt")
    }

    @Test("the warning needs the same permission for everybody on file and directory")
    func permissions() throws {
        write("wg0.conf", mode: 0o644)
        #expect(try ConfigurationFile.find(argument: "wg0", directory: directory.path).warning == nil)
        chmod(directory.path, 0o755)
        let warning = try ConfigurationFile.find(argument: "wg0", directory: directory.path).warning
        #expect(warning == "Warning: `\(directory.path)/wg0.conf' is world accessible")
        chmod(directory.path, 0o711)
        #expect(try ConfigurationFile.find(argument: "wg0", directory: directory.path).warning == nil)
    }

    @Test("what isn't there or has no interface's name is refused")
    func refused() {
        write("averyveryverylongname.conf", mode: 0o600)
        write("wg0.txt", mode: 0o600)
        #expect(throws: ConfigurationFile.FindingError.missing(path: "\(directory.path)/wg9.conf", reason: "")) {
            try ConfigurationFile.find(argument: "wg9", directory: directory.path)
        }
        for name in ["averyveryverylongname.conf", "wg0.txt"] {
            #expect(throws: ConfigurationFile.FindingError.badName(path: "\(directory.path)/\(name)")) {
                try ConfigurationFile.find(argument: "\(directory.path)/\(name)")
            }
        }
        #expect(throws: ConfigurationFile.FindingError.self) { try ConfigurationFile.find(argument: "") }
    }

    @Test("names of interfaces")
    func names() {
        for name in ["wg0", "a", "A_b=c+d.e-f", "123456789012345"] { #expect(ConfigurationFile.isInterfaceName(name)) }
        for name in ["", "1234567890123456", "wg 0", "wg/0", "wg0\n", "wgä", "%i", "wg@0"] {
            #expect(!ConfigurationFile.isInterfaceName(name))
        }
    }

    private func write(_ name: String, mode: mode_t) {
        let path = "\(directory.path)/\(name)"
        close(open(path, O_CREAT | O_WRONLY, 0o600))
        chmod(path, mode)
    }
}
