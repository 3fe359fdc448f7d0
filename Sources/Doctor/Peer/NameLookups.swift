package import Control
import Dispatch
import Synchronization

/// Asks the system's resolver for several names at once, and doesn't wait for it longer than somebody would who looks on.
package enum NameLookups {
    /// - Parameter seconds: what is not there by then is ``PeerProbe/NameAnswer/tooSlow``. The question itself goes on.
    package static func run(_ names: [EndpointName], seconds: Int) -> [EndpointName: PeerProbe.NameAnswer] {
        let names = Set(names)
        let answers = Answers()
        let group = DispatchGroup()
        for name in names {
            // A thread each, since one that hangs must not keep the others waiting.
            group.enter()
            DispatchQueue(label: "name").async {
                answers.set(name, answer(name))
                group.leave()
            }
        }
        _ = group.wait(timeout: .now() + .seconds(seconds))
        let found = answers.all
        return Dictionary(uniqueKeysWithValues: names.map { ($0, found[$0] ?? .tooSlow) })
    }

    private static func answer(_ name: EndpointName) -> PeerProbe.NameAnswer {
        do throws(EndpointNameError) {
            return .endpoints(try name.lookUpAll())
        } catch {
            return .failure(error.reason)
        }
    }
}

private final class Answers: Sendable {
    private let values = Mutex<[EndpointName: PeerProbe.NameAnswer]>([:])

    func set(_ name: EndpointName, _ answer: PeerProbe.NameAnswer) {
        values.withLock { $0[name] = answer }
    }

    var all: [EndpointName: PeerProbe.NameAnswer] { values.withLock { $0 } }
}
