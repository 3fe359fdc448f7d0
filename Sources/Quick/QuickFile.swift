import Control
import Glibc
import LinuxNet

/// A configuration file, found and read. Quick §"Finding and parsing the file".
struct QuickFile {
    let interface: String
    let path: String
    let configuration: ConfigurationFile
    let forwarding: Forwarding
    /// Where the daemon is to answer questions for metrics; nil: nowhere.
    let metricsListen: MetricsAddress?
    /// What it says of its peers in comments.
    let annotations: PeerAnnotations
    /// All of the file, with its keys.
    let text: [UInt8]

    init(_ argument: String, _ surroundings: Surroundings) throws {
        let location = try Self.locate(argument, surroundings)
        if let warning = location.warning { surroundings.console.write(warning) }
        text = try FileBytes.read(location.path)
        interface = location.interface
        path = location.path
        configuration = try ConfigurationFile(parsing: text, name: location.path, dialect: .quick)
        let layout = ConfigurationLayout(text)
        annotations = PeerAnnotations(layout, configuration, name: path)
        let setting = layout.interfaceComment(.forwarding)
        forwarding = setting.flatMap { Forwarding(rawValue: $0.value.lowercased()) } ?? .off
        if let setting, Forwarding(rawValue: setting.value.lowercased()) == nil {
            surroundings.console.warn(
                "\(path):\(setting.line): the comment \"Forwarding\" has the value \(quoted(setting.value)), which is none of "
                    + "off, on and nat, so nothing is forwarded")
        }
        let listen = layout.interfaceComment(.metricsListen)
        metricsListen = listen.flatMap { MetricsAddress($0.value) }
        if let listen, metricsListen == nil {
            surroundings.console.warn(
                "\(path):\(listen.line): the comment \"MetricsListen\" has the value \(quoted(listen.value)), where it needs "
                    + "\(MetricsAddress.expectation), so there are no metrics")
        }
    }

    /// Finds the file; for an interface that was brought up from elsewhere, the one that it was brought up from.
    static func locate(_ argument: String, _ surroundings: Surroundings) throws -> ConfigurationFile.Location {
        do throws(ConfigurationFile.FindingError) {
            return try ConfigurationFile.find(argument: argument, directory: surroundings.configurationDirectory)
        } catch {
            guard ConfigurationFile.isInterfaceName(argument),
                let journal = try? JournalStore(directory: surroundings.directory).load(argument),
                let location = try? ConfigurationFile.find(argument: journal.file)
            else { throw error }
            return location
        }
    }
}
