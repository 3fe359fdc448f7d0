import Glibc
package import LinuxNet
package import Tunnel
package import Wire

extension UserspaceDevice {
    /// What the daemon knows beyond ``status()``; nil from programs other than Nightjar.
    package func report() throws(SystemError) -> DeviceReport? {
        try ask("report=1\n\n", attempt: "ask for a report on \(interface)") {
            (exchange) throws(SystemError) -> DeviceReport? in
            var reader = UAPIAnswerReader<UAPIReportAnswer>(scopes: .system)
            return try exchange.receive { (bytes) throws(SystemError) in
                do throws(UAPIFailure) {
                    return try reader.read(bytes).map { .some($0) }
                } catch {
                    return .some(nil)
                }
            }
        }
    }

    /// Has the daemon send an initiation to a peer now; nil from programs other than Nightjar. Whether it is answered the next
    /// reports tell.
    package func initiate(_ publicKey: PublicKey) throws(SystemError) -> InitiationOutcome? {
        let request = "initiate=1\npublic_key=\(Hex.encode(publicKey.bytes))\n\n"
        return try ask(request, attempt: "ask for a handshake on \(interface)") {
            (exchange) throws(SystemError) -> InitiationOutcome? in
            var reader = UAPIAnswerReader<UAPIReportAnswer>(scopes: .system)
            return try exchange.receive { (bytes) throws(SystemError) in
                do throws(UAPIFailure) {
                    return try reader.read(bytes).map { _ in .sent }
                } catch {
                    return .some(InitiationOutcome.allCases.first { $0.code == error.errno })
                }
            }
        }
    }

    /// One operation that programs other than Nightjar don't know: they end the connection.
    private func ask<Answer>(
        _ request: String, attempt: String, _ answer: (borrowing UAPIExchange) throws(SystemError) -> Answer?
    ) throws(SystemError) -> Answer? {
        do throws(SystemError) {
            let exchange = try UAPIExchange(path, attempt)
            try exchange.send(Array(request.utf8))
            return try answer(exchange)
        } catch {
            guard error.code == EPROTO || error.code == ECONNRESET else { throw error }
            return nil
        }
    }
}
