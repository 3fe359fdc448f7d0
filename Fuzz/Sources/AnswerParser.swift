import Control
import Tunnel

/// The answer of a configuration socket to a `get`, from a program that may be hostile: read whole and in pieces with the
/// same outcome, printed and read again.
///
/// An input is an options byte and text.
final class AnswerParser: FuzzedParser {
    let share = 5
    let longestInput = 4096

    private let scopes = UAPIScopes(index: { $0 == "eth0" ? 2 : nil }, name: { $0 == 2 ? "eth0" : nil })

    private enum Outcome: Equatable {
        case unfinished
        case failed(Int32)
        /// The answer that a server of this status gives.
        case status([UInt8])
    }

    func run(_ input: inout Input) {
        let options = input.byte()
        var limits = UAPILimits()
        if options & 1 != 0 {
            limits.lineLength = 96
            limits.peers = 3
            limits.allowedIPs = 4
        }
        let text = input.all()
        let outcome = read(text, in: max(1, text.count), limits)
        require(read(text, in: 1 + Int(options >> 1), limits) == outcome, "pieces are read as the whole")
        guard case .status(let answer) = outcome else { return }
        let copy = ExactBuffer(answer)
        require(read(copy.readable, in: answer.count, UAPILimits()) == outcome, "an answer is read as it is printed")
    }

    private func read(_ text: UnsafeRawBufferPointer, in size: Int, _ limits: UAPILimits) -> Outcome {
        var reader = UAPIAnswerReader<UAPIStatusAnswer>(scopes: scopes, limits: limits)
        var offset = 0
        while offset < text.count {
            let piece = ExactBuffer(text[offset..<min(offset + size, text.count)])
            offset += size
            do throws(UAPIFailure) {
                if let status = try reader.read(piece.readable) {
                    return .status(UAPIResponse.status(status, interfaceName: scopes.name))
                }
            } catch {
                return .failed(error.errno)
            }
        }
        return .unfinished
    }

    var samples: [[UInt8]] {
        let key = "b85996fecc9c7f1fc6d2572a76eda11d59bcd20be8e543b15ce4bd85a8e75a33"
        let device = "private_key=\(key)\nlisten_port=51820\nfwmark=1\n"
        let peer =
            "public_key=\(key)\npreshared_key=\(key)\nprotocol_version=1\nendpoint=[fe80::1%eth0]:1\n"
            + "last_handshake_time_sec=1700000000\nlast_handshake_time_nsec=5\ntx_bytes=1\nrx_bytes=2\n"
            + "persistent_keepalive_interval=25\nallowed_ip=10.0.0.0/8\nallowed_ip=2001:db8::/32\n"
        let texts = [
            "errno=0\n\n", "errno=-22\n\n", device + "errno=0\n\n", device + peer + "errno=0\n\n",
            device + peer + peer + "new_key=1\nendpoint=192.0.2.1:5\nerrno=0\n\n",
        ]
        return texts.flatMap { text in [0, 3, 40].map { option in [option] + Array(text.utf8) } }
    }
}
