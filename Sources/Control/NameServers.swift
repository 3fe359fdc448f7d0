import Glibc
import LinuxNet
import Wire

/// Asks name servers outside of the tunnel, as datagrams of the tunnel itself go, for an endpoint's name.
///
/// A tunnel that takes all of the machine's traffic takes its questions for names as well. While it is silent there is then no
/// answer to them, not even to the one that would find the other side again.
struct NameServers: Sendable {
    /// Servers that are asked at a time.
    private static let most = 6
    /// Milliseconds that their answers may take.
    private static let patience: UInt64 = 4000
    private static let port: UInt16 = 53

    private let files: [String]
    /// Those at the time when this was made, before the tunnel has put its own in their place.
    private let former: [IPAddress]

    /// - Parameter files: where servers are found, also later; those that aren't there don't matter. Beside resolv.conf
    ///   systemd-resolved's list of them, as resolv.conf then has its own address only.
    init(files: [String] = ["/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"]) {
        self.files = files
        former = Self.servers(in: files)
    }

    /// The addresses of a name, those of one family first when there are any; none when nobody knows it.
    ///
    /// - Parameter mark: the firewall mark of the tunnel's datagrams.
    func addresses(of name: String, mark: UInt32, preferringIPv6: Bool) -> [IPAddress] {
        // A name of one part is only complete with a search domain, which these servers may not be meant for.
        guard name.contains(".") else { return [] }
        let questions = NameMessage.RecordType.allCases.compactMap { type in
            NameMessage.question(name, type, number: UInt16.random(in: 0 ... .max))
        }
        var answers = [[IPAddress]?](repeating: nil, count: questions.count)
        DatagramExchange.run(
            questions, to: current.map { Endpoint($0, port: Self.port) }, mark: mark, milliseconds: Self.patience,
            longest: NameMessage.longestAnswer
        ) { datagram in
            for (index, question) in questions.enumerated() {
                guard let addresses = NameMessage.addresses(in: datagram, to: question) else { continue }
                // Another server may know more than one that has nothing to say.
                if answers[index]?.isEmpty ?? true { answers[index] = addresses }
            }
            return answers.allSatisfy { $0 != nil } && answers.contains { $0?.isEmpty == false }
        }
        let found = answers.flatMap { $0 ?? [] }
        return found.filter { $0.isIPv6 == preferringIPv6 } + found.filter { $0.isIPv6 != preferringIPv6 }
    }

    /// The servers to ask: the former ones first, since those in the files may be the tunnel's own by now.
    private var current: [IPAddress] {
        var seen: Set<IPAddress> = []
        return Array((former + Self.servers(in: files)).filter { seen.insert($0).inserted }.prefix(Self.most))
    }

    /// Without those on this machine, which would ask as the machine asks.
    private static func servers(in files: [String]) -> [IPAddress] {
        files.flatMap { path in
            ResolvConf((try? FileBytes.read(path, limit: ResolvConf.longest)) ?? []).nameservers
        }.filter { server in
            switch server {
            case .v4(let v4): v4.value >> 24 != 127
            case .v6(let v6): !(v6.high == 0 && v6.low == 1) && !v6.isLinkLocal
            }
        }
    }
}
