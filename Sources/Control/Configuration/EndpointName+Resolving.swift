import Glibc
import LinuxNet
package import Wire

/// Why a host's name has no address.
package struct EndpointNameError: Error, Equatable, Sendable, CustomStringConvertible {
    package let endpoint: EndpointName
    /// The resolver's words.
    package let reason: String
    /// Whether another try is pointless.
    package let isPermanent: Bool

    package var description: String { "cannot find the address of \(quoted(endpoint.host)): \(reason)" }
}

/// How often a name is looked up again after a failure that may pass. Part 3, "endpoint".
package struct ResolutionRetries: Equatable, Sendable {
    /// Nil: until it is found.
    package let count: Int?

    package init(count: Int?) {
        self.count = count
    }

    /// Reads WG_ENDPOINT_RESOLUTION_RETRIES; 15 without it.
    package init(environment: [String: String]) throws(ResolutionRetriesError) {
        guard let text = environment["WG_ENDPOINT_RESOLUTION_RETRIES"] else {
            count = 15
            return
        }
        if text == "infinity" {
            count = nil
        } else if let number = Int(text), number >= 0, text.first != "+" {
            count = number
        } else {
            throw ResolutionRetriesError(text: text)
        }
    }
}

package struct ResolutionRetriesError: Error, Equatable, CustomStringConvertible {
    package let text: String

    package var description: String {
        "WG_ENDPOINT_RESOLUTION_RETRIES is \(quoted(text)); it takes a number or infinity"
    }
}

extension EndpointName {
    /// Asks the system's resolver once and takes its first answer. Waits for it.
    package func lookUp() throws(EndpointNameError) -> Endpoint {
        // Safe: there is at least one.
        try lookUpAll()[0]
    }

    /// Asks the system's resolver once for all addresses, at least one, the best first. Waits for it.
    package func lookUpAll() throws(EndpointNameError) -> [Endpoint] {
        if let numeric { return [numeric] }
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = Int32(SOCK_DGRAM.rawValue)
        hints.ai_protocol = Int32(IPPROTO_UDP)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, String(port), &hints, &list)
        defer { if code == 0 { freeaddrinfo(list) } }
        guard code == 0 else {
            let reason = code == EAI_SYSTEM ? SystemError.text(for: errno) : String(cString: gai_strerror(code))
            let isPermanent = [EAI_NONAME, EAI_FAIL, noData].contains(code)
            throw EndpointNameError(endpoint: self, reason: reason, isPermanent: isPermanent)
        }
        var endpoints: [Endpoint] = []
        var entry = list
        while let info = entry?.pointee {
            if let address = info.ai_addr, let endpoint = Self.endpoint(address, Int(info.ai_addrlen)) {
                endpoints.append(endpoint)
            }
            entry = info.ai_next
        }
        guard !endpoints.isEmpty else {
            throw EndpointNameError(endpoint: self, reason: "no address for UDP", isPermanent: true)
        }
        return endpoints
    }

    /// Looks the name up until there is an answer. Waits 1 s before the second try, then 1.2 times as long each time,
    /// at most 20 s.
    ///
    /// - Parameter report: is given a sentence before each wait.
    package func resolve(
        _ retries: ResolutionRetries, report: (String) -> Void
    ) throws(EndpointNameError) -> Endpoint {
        var pause = 1_000_000
        var tries = 0
        while true {
            do throws(EndpointNameError) {
                return try lookUp()
            } catch {
                guard !error.isPermanent, tries < retries.count ?? .max else { throw error }
                report("\(error). Trying again in \(pause / 1_000_000).\(twoDigits(pause / 10_000 % 100)) seconds...")
            }
            tries += 1
            // Safe: at most 20 000 000.
            usleep(UInt32(pause))
            pause = min(20_000_000, pause * 6 / 5)
        }
    }

    private static func endpoint(_ address: UnsafeMutablePointer<sockaddr>, _ length: Int) -> Endpoint? {
        let bytes = UnsafeRawPointer(address)
        switch Int32(address.pointee.sa_family) {
        case AF_INET where length >= MemoryLayout<sockaddr_in>.size:
            let form = bytes.loadUnaligned(as: sockaddr_in.self)
            let v4 = IPv4Address(UInt32(bigEndian: form.sin_addr.s_addr))
            return Endpoint(.v4(v4), port: UInt16(bigEndian: form.sin_port))
        case AF_INET6 where length >= MemoryLayout<sockaddr_in6>.size:
            let form = bytes.loadUnaligned(as: sockaddr_in6.self)
            let v6 = withUnsafeBytes(of: form.sin6_addr) { bytes in
                // Safe: an in6_addr has 16 bytes.
                IPv6Address(loading: bytes.baseAddress.unsafelyUnwrapped)
            }
            let scope = v6.isLinkLocal ? form.sin6_scope_id : 0
            return Endpoint(.v6(v6), port: UInt16(bigEndian: form.sin6_port), scope: scope)
        default: return nil
        }
    }
}

/// EAI_NODATA, which the C library's headers show only on request.
private let noData: Int32 = -5

private func twoDigits(_ number: Int) -> String {
    number < 10 ? "0\(number)" : String(number)
}
