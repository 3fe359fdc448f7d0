import Foundation
import Glibc
import Testing

/// The daemons that tests put at the ends of a tunnel.
enum Engine: String, Sendable {
    case nightjar
    case wireguardGo = "wireguard-go"

    /// The path of the daemon's program; throws a sentence that says how to get it.
    func executable() throws -> String {
        switch self {
        case .nightjar:
            guard let path = Self.pathUnderTest else {
                throw Failure("there is no nightjar to test in \(Self.package)/.build: run `make build` first")
            }
            guard access(path, X_OK) == 0 else {
                throw Failure("NIGHTJAR_BIN names \(path), which can't be executed")
            }
            return path
        case .wireguardGo:
            return try Tool.path("wireguard-go")
        }
    }

    /// Whether NIGHTJAR_BIN puts wireguard-go in nightjar's place, which shows what the tests themselves are worth.
    static let isReferenceUnderTest = pathUnderTest.map { $0.hasSuffix("/wireguard-go") } ?? false

    /// Whether the program under test is optimised, so that large amounts of data make sense.
    static let isOptimised = pathUnderTest.map { !$0.contains("/debug/") } ?? false

    /// Whether this process may make network namespaces and TUN devices.
    static let canMakeNamespaces = geteuid() == 0 && access("/dev/net/tun", R_OK | W_OK) == 0

    private static let package: String = {
        var url = URL(filePath: #filePath)
        for _ in 0..<4 { url.deleteLastPathComponent() }
        return url.path(percentEncoded: false).trimmingSuffix("/")
    }()

    private static let pathUnderTest: String? = {
        if let given = ProcessInfo.processInfo.environment["NIGHTJAR_BIN"], !given.isEmpty {
            return URL(filePath: given).path(percentEncoded: false)
        }
        let built = ["release", "debug"].map { "\(package)/.build/\($0)/nightjar" }
        return built.filter { access($0, X_OK) == 0 }.max { changed($0) < changed($1) }
    }()

    private static func changed(_ path: String) -> Date {
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        return attributes?[.modificationDate] as? Date ?? .distantPast
    }
}

/// Which daemon begins the handshake and which answers it.
struct Pairing: Sendable, CustomTestStringConvertible {
    let initiator: Engine
    let responder: Engine

    static let nightjars = Pairing(initiator: .nightjar, responder: .nightjar)
    static let toReference = Pairing(initiator: .nightjar, responder: .wireguardGo)
    static let fromReference = Pairing(initiator: .wireguardGo, responder: .nightjar)
    static let mixed = [toReference, fromReference]
    static let all = [nightjars, toReference, fromReference]

    var testDescription: String { "\(initiator.rawValue) → \(responder.rawValue)" }
}

enum Family: Sendable, CaseIterable, CustomTestStringConvertible {
    case ipv4, ipv6

    var testDescription: String { self == .ipv4 ? "IPv4" : "IPv6" }
}

extension String {
    fileprivate func trimmingSuffix(_ suffix: String) -> String {
        hasSuffix(suffix) ? String(dropLast(suffix.count)) : self
    }
}
