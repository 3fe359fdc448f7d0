import CFuzzer
import Glibc

/// Feeds hostile bytes to the parsers, one parser in each run, guided by the code that they reach.
///
///     fuzz                                     the parsers, each with its share of all runs in percent and its longest input
///     fuzz PARSER CORPUS [libFuzzer option]…   runs one; CORPUS is an existing folder, which is given samples first
///     fuzz PARSER FILE…                        runs the inputs in these files, to see a failure again
@main
struct Fuzz {
    static func main() {
        guard CommandLine.arguments.count > 2 else {
            for kind in ParserKind.allCases {
                print(kind.rawValue, kind.make().share, kind.make().longestInput)
            }
            return
        }
        guard let kind = ParserKind(rawValue: CommandLine.arguments[1]) else {
            print("There is no parser \(CommandLine.arguments[1]).")
            exit(2)
        }
        parser = kind.make()
        storeSamples(in: CommandLine.arguments[2])
        runDriver()
    }

    // Safe: the driver calls back on the thread that started it.
    nonisolated(unsafe) fileprivate static var parser: any FuzzedParser = ParserKind.text.make()

    /// Writes each sample to a file of its own, if `path` is a folder.
    private static func storeSamples(in path: String) {
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { return }
        for (number, sample) in parser.samples.enumerated() {
            guard let file = fopen("\(path)/sample-\(number)", "w") else { continue }
            fwrite(sample, 1, sample.count, file)
            fclose(file)
        }
    }

    /// Hands over to libFuzzer, without the parser's name among the arguments.
    private static func runDriver() {
        var arguments: [UnsafeMutablePointer<CChar>?] =
            ([CommandLine.arguments[0]] + CommandLine.arguments.dropFirst(2)).map { strdup($0) } + [nil]
        var count = CInt(arguments.count - 1)
        arguments.withUnsafeMutableBufferPointer { buffer in
            var start = buffer.baseAddress
            exit(LLVMFuzzerRunDriver(&count, &start, fuzzOneInput))
        }
    }
}

/// libFuzzer calls this for each input; its own `main`, which the program doesn't use, wants it to have this name.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzzOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var input = Input(UnsafeRawBufferPointer(start: bytes, count: count))
    Fuzz.parser.run(&input)
    return 0
}

enum ParserKind: String, CaseIterable {
    case datagrams, handshakes, packets, superpackets, configuration, answers, reports, files, kernel, netlink, text,
        bus,
        resolvconf, nameanswers, captures, codecs, limits

    func make() -> any FuzzedParser {
        switch self {
        case .datagrams: DatagramParser()
        case .handshakes: HandshakeParser()
        case .packets: PacketParser()
        case .superpackets: SuperPacketParser()
        case .configuration: ConfigurationParser()
        case .answers: AnswerParser()
        case .reports: ReportParser()
        case .files: FileParser()
        case .kernel: KernelParser()
        case .netlink: NetlinkParser()
        case .text: TextParser()
        case .bus: BusParser()
        case .resolvconf: ResolvConfParser()
        case .nameanswers: NameAnswerParser()
        case .captures: CaptureFileParser()
        case .codecs: CodecParser()
        case .limits: LimitsParser()
        }
    }
}
