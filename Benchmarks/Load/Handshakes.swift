import ArgumentParser
import Glibc
import Wire

/// Measures how many handshakes a responder answers. It keeps a few on their way, so that the responder always has one
/// to answer and never thinks it is under load.
struct Handshakes: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure how many handshakes a device answers; prints responses and seconds.",
        discussion: "The device must have the peers that 'load keys' made. Fails when it demanded cookies.")

    @OptionGroup var target: Target

    @Option(help: "Seconds to measure.")
    var seconds = 3

    @Option(help: "Handshakes a second to be prepared for.")
    var most = 20_000

    @Option(help: "Handshakes on their way at a time, below the 128 that a device calls load.")
    var window = 32

    @Argument(help: "The file with the peers' private keys.")
    var secrets: String

    func validate() throws {
        guard (1...60).contains(seconds), (1...200_000).contains(most), (1...127).contains(window) else {
            throw ValidationError("--seconds goes to 60, --most to 200000, --window to 127.")
        }
    }

    func run() async throws {
        let secrets = try Keys.read(secrets)
        let turns = (most * seconds + secrets.count - 1) / secrets.count
        let initiations = await Initiations.genuine(from: secrets, to: target.publicKey, turns: turns)
        var exchange = Exchange(initiations, peers: secrets.count, on: try Socket(to: target.to, patience: 200_000))
        try exchange.run(seconds: Double(seconds), window: window)
        let isSound = exchange.cookieReplies == 0 && exchange.unanswered * 100 <= exchange.responses
        guard isSound, exchange.responses > 0 else {
            throw Failure(
                "\(exchange.responses) responses, but \(exchange.cookieReplies) cookie replies and "
                    + "\(exchange.unanswered) initiations without an answer")
        }
        print("\(exchange.responses)\t\(text(exchange.elapsed, decimals: 3))")
    }
}

/// The initiations on their way and what has come back.
private struct Exchange {
    /// Devices refuse initiations of one peer that are less than 20 ms apart.
    private static let leastTurn = 0.05

    private let initiations: Datagrams
    private let peers: Int
    private let socket: Socket
    private let answers = Datagrams(count: 64)
    private var next = 0
    private var turnStart = 0.0
    /// The sender indices that wait for a response.
    private var waiting: Set<UInt32> = []

    private(set) var responses = 0
    private(set) var cookieReplies = 0
    private(set) var unanswered = 0
    /// Seconds from the first initiation to the last answer.
    private(set) var elapsed = 0.0

    init(_ initiations: Datagrams, peers: Int, on socket: Socket) {
        self.initiations = initiations
        self.peers = peers
        self.socket = socket
    }

    /// Ends when the time is over or all initiations are used.
    mutating func run(seconds: Double, window: Int) throws {
        let start = now()
        while next < initiations.count, now() - start < seconds {
            try fill(window)
            if try takeAnswers() == 0 { giveUpWaiting() }
            elapsed = now() - start
        }
        while !waiting.isEmpty, try takeAnswers() > 0 { elapsed = now() - start }
        giveUpWaiting()
    }

    /// Sends until `window` initiations wait for their answers, but no peer's next one too early.
    private mutating func fill(_ window: Int) throws {
        let turnEnd = (next / peers + 1) * peers
        let count = min(window - waiting.count, min(turnEnd, initiations.count) - next)
        guard count > 0 else { return }
        if next.isMultiple(of: peers) {
            sleep(until: turnStart + Self.leastTurn)
            turnStart = now()
        }
        let sent = try initiations.send(from: next, count: count, on: socket)
        for index in next..<next + sent {
            let message = UnsafeRawPointer(initiations[index].baseAddress!)
            waiting.insert(message.littleEndian32(at: Message.Initiation.sender))
        }
        next += sent
    }

    /// Returns how many datagrams came.
    private mutating func takeAnswers() throws -> Int {
        let count = try answers.receive(on: socket)
        for index in 0..<count {
            let message = answers.received(index)
            switch Message.kind(of: message) {
            case .response:
                let receiver = message.baseAddress!.littleEndian32(at: Message.Response.receiver)
                if waiting.remove(receiver) != nil { responses += 1 }
            case .cookieReply:
                cookieReplies += 1
            case .initiation, .data, nil:
                break
            }
        }
        return count
    }

    private mutating func giveUpWaiting() {
        unanswered += waiting.count
        waiting.removeAll(keepingCapacity: true)
    }
}
