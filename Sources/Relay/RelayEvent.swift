import Tunnel
package import Wire

/// What happens to a relay, in words for people.
package enum RelayEvent: Sendable, CustomStringConvertible {
    case listening(ListenAddress, RelayEndpoint)
    case settingsTaken
    case ended(RelayReport)
    case report(RelayReport)
    case endpointFound(RelayEndpoint, Endpoint)
    case endpointNotFound(AddressBookError, retryAfter: Int)
    case endpointSilent(RelayEndpoint)
    case flowBegun(Endpoint)
    case flowIdle(Endpoint)
    case flowDisplaced(Endpoint)
    case flowRefused(Endpoint, reason: String)
    case sendFailed(String)
    case stateUnreadable(String)
    case stateUnwritable(String)
    case stateInFuture(path: String)
    case broken(String)

    package enum Importance: Sendable {
        case error, warning, information, detail
    }

    package var importance: Importance {
        switch self {
        case .broken: .error
        case .endpointNotFound, .sendFailed, .stateUnreadable, .stateUnwritable, .stateInFuture, .flowRefused: .warning
        case .listening, .settingsTaken, .ended, .report, .endpointFound, .endpointSilent: .information
        case .flowBegun, .flowIdle, .flowDisplaced: .detail
        }
    }

    package var description: String {
        switch self {
        case .listening(let address, let endpoint): "Listening on \(address), sending on to \(endpoint)"
        case .settingsTaken: "Took the new settings"
        case .ended(let report): "Ended: \(report)"
        case .report(let report): "\(report)"
        case .endpointFound(let name, let address): "\(name) is \(address)"
        case .endpointNotFound(let error, let seconds): "\(error); asking again in \(seconds) seconds"
        case .endpointSilent(let name): "\(name) doesn't answer; looking for its address again"
        case .flowBegun(let client): "\(client) begins"
        case .flowIdle(let client): "\(client) was silent for long and is forgotten"
        case .flowDisplaced(let client): "\(client) is forgotten for another client: MaxFlows are there"
        case .flowRefused(let client, let reason): "Can't take \(client): \(reason)"
        case .sendFailed(let reason): "Can't send: \(reason)"
        case .stateUnreadable(let reason), .stateUnwritable(let reason):
            "\(reason); handshakes from before this start are refused, those of the next may not be"
        case .stateInFuture(let path):
            "\(path) is from the future: the clock was set back, and dated handshakes are refused until it is there again"
        case .broken(let reason): "\(reason)"
        }
    }
}

/// Where relays tell what happens. Any thread may call it.
package protocol RelayLog: Sendable {
    func note(_ event: RelayEvent, of relay: ListenAddress)
}
