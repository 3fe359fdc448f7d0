import ArgumentParser
import Control
import Glibc
import Quick

struct Relay: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Put a disguise on the traffic of other WireGuard programs, or take it off.",
        discussion: """
            Listens in one dialect and sends on in another, for people who keep the kernel's WireGuard, a phone's or a \
            router's. Relays come from a file, of which each [Relay] has a [Listen] and a [Forward] with the keys of \
            obfuscation, or one of them from options. It stays in the foreground; nightjar-relay@NAME.service runs \
            /etc/nightjar/relay/NAME.conf.

            SIGHUP reads the file again, without an end to flows that it doesn't concern. SIGUSR1 logs what was relayed \
            and what was dropped, and why; so does the end, on SIGINT or SIGTERM.

            Environment: LOG_LEVEL=silent|error|info|debug (info by default), NIGHTJAR_LOG_FORMAT=text|json (as --log-format).
            """)

    @Option(help: ArgumentHelp("Where to be called.", valueName: "[address:]port"))
    var listen: String?
    @Option(help: ArgumentHelp("Where to send on to.", valueName: "host:port"))
    var to: String?
    @Option(help: ArgumentHelp("How those who call look: off unless given.", valueName: "name"))
    var listenObfuscation: String?
    @Option(help: ArgumentHelp("The file with the key of that.", valueName: "file"), completion: .file())
    var listenKeyFile: String?
    @Option(help: ArgumentHelp("How the endpoint looks: off unless given.", valueName: "name"))
    var toObfuscation: String?
    @Option(help: ArgumentHelp("The file with the key of that.", valueName: "file"), completion: .file())
    var toKeyFile: String?
    @Option(help: ArgumentHelp("The WireGuard server's public key.", valueName: "key"))
    var serverPublicKey: String?
    @Option(
        name: .customLong("client-public-key"),
        help: ArgumentHelp("A WireGuard client's public key; may be given for each.", valueName: "key"))
    var clientPublicKeys: [String] = []
    @Option(help: ArgumentHelp("After how long a silent client is forgotten: 300 unless given.", valueName: "seconds"))
    var idleTimeout: String?
    @Option(help: ArgumentHelp("How many clients there may be: 1024 unless given.", valueName: "number"))
    var maxFlows: String?
    @Option(help: ArgumentHelp("The firewall mark of what is sent on.", valueName: "number"))
    var fwmark: String?
    @Option(
        help: ArgumentHelp("Remembers over a restart which handshakes were taken.", valueName: "file"),
        completion: .file())
    var stateFile: String?

    @OptionGroup var logging: LogOptions

    @Argument(help: "A file of relays; without one the options describe a single relay.", completion: .file())
    var file: String?

    func run() throws {
        var arguments = RelayArguments()
        arguments.listen = listen
        arguments.endpoint = to
        arguments.listenObfuscation = listenObfuscation
        arguments.listenKeyFile = listenKeyFile
        arguments.endpointObfuscation = toObfuscation
        arguments.endpointKeyFile = toKeyFile
        arguments.serverPublicKey = serverPublicKey
        arguments.clientPublicKeys = clientPublicKeys
        arguments.idleTimeout = idleTimeout
        arguments.maximumFlows = maxFlows
        arguments.firewallMark = fwmark
        arguments.stateFile = stateFile
        guard (file == nil) != arguments.isEmpty else {
            throw ValidationError("Give either a file or the options of one relay.")
        }
        let environment = environmentVariables().merging(logging.variables) { $1 }
        do {
            let daemon = try RelayDaemon(
                file.map { .file($0) } ?? .arguments(arguments),
                log: LogSettings(environment: environment))
            try daemon.serve {
                try ServiceNotification(environment: environment)?.ready(status: "Relaying")
            }
        } catch {
            fail("relay: \(error)")
        }
    }
}
