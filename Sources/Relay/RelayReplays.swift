import Glibc
import LinuxNet
import Obfuscation
import Tunnel

/// Which dated handshakes a relay takes from both sides, also over a restart when there is a file for that.
final class RelayReplays {
    let clients: ReplayGuard
    let endpoint: ReplayGuard
    /// What went wrong with the file at the start.
    let complaint: RelayEvent?

    private var file: ReplayFloorFile?
    private var written: ReplayFloorFile.Floors
    private var isBroken = false

    /// What is written is ahead of what was taken by so many milliseconds, so that a crash before the next writing is no harm.
    private static var lead: Int64 { 10_000 }

    init(stateFile: String?, start time: WallTime) {
        let start = time.seconds &* 1000 &+ Int64(time.nanoseconds / 1_000_000)
        var floors = ReplayFloorFile.Floors(clients: start, endpoint: start)
        var complaint: RelayEvent?
        file = stateFile.map { ReplayFloorFile(path: $0) }
        if let file {
            do throws(SystemError) {
                if let kept = try file.read() { floors = kept }
                if max(floors.clients, floors.endpoint) > start + 2 * Self.lead {
                    complaint = .stateInFuture(path: file.path)
                }
            } catch {
                complaint = .stateUnreadable("\(error)")
            }
        }
        clients = ReplayGuard(floor: floors.clients)
        endpoint = ReplayGuard(floor: floors.endpoint)
        written = floors
        self.complaint = complaint
    }

    /// Writes ahead of what was taken, if it isn't yet; returns what went wrong, the first time.
    func note() -> RelayEvent? {
        guard file != nil, clients.newest > written.clients || endpoint.newest > written.endpoint else { return nil }
        return write(
            ReplayFloorFile.Floors(
                clients: max(written.clients, clients.newest &+ Self.lead),
                endpoint: max(written.endpoint, endpoint.newest &+ Self.lead)))
    }

    /// Writes exactly what was taken, at an end in order.
    func save() -> RelayEvent? {
        write(ReplayFloorFile.Floors(clients: clients.newest, endpoint: endpoint.newest))
    }

    /// Keeps it in another file from now on.
    func keep(in path: String?) -> RelayEvent? {
        guard path != file?.path else { return nil }
        file = path.map { ReplayFloorFile(path: $0) }
        isBroken = false
        return file == nil ? nil : save()
    }

    private func write(_ floors: ReplayFloorFile.Floors) -> RelayEvent? {
        guard let file else { return nil }
        written = floors
        do throws(SystemError) {
            try file.write(floors)
            isBroken = false
            return nil
        } catch {
            defer { isBroken = true }
            return isBroken ? nil : .stateUnwritable("\(error)")
        }
    }
}
