package import Control
package import LinuxNet
package import Quick
package import Tunnel
import Wire

/// One interface at one moment: its state, what its daemon reports, and what its configuration file calls its peers.
package struct InterfaceSnapshot: Sendable {
    package enum Server: Sendable {
        /// A daemon of Nightjar, which tells more than others.
        case nightjar
        /// Another program with a configuration socket.
        case otherProgram
        case kernel
    }

    package var name: String
    package var server: Server
    package var status: DeviceStatus
    /// Nil unless Nightjar serves the interface.
    package var report: DeviceReport?
    /// The interface as the kernel sees it; nil when that isn't known, as for one in another network namespace.
    package var link: LinkState?
    /// The file that describes it; nil when there is none, or when it can't be read.
    package var path: String?
    package var configuration: ConfigurationText?
    /// Unix time that it was taken at.
    package var time: WallTime
    /// The same on the clock that never goes back (`CLOCK_BOOTTIME`), in nanoseconds.
    package var moment: UInt64 = 0

    package init(
        name: String, server: Server, status: DeviceStatus, report: DeviceReport?, path: String?,
        configuration: ConfigurationText?, time: WallTime
    ) {
        self.name = name
        self.server = server
        self.status = status
        self.report = report
        self.path = path
        self.configuration = configuration
        self.time = time
    }

    /// Looks at one interface, whoever serves it.
    ///
    /// - Parameter files: what is known of files from before, for who looks again and again.
    /// - Throws: when there is no such interface, or it doesn't answer.
    package static func take(
        _ name: String, _ surroundings: Surroundings, files: ConfigurationCache = ConfigurationCache()
    ) throws -> InterfaceSnapshot {
        let reading = files.begin(name, surroundings)
        let device = try WireGuardDevices.open(name, in: surroundings.devicePlaces)
        let program = device as? UserspaceDevice
        let asking = program.map { program in
            Background("report") { Result { () throws(SystemError) in try program.report() } }
        }
        let status = try device.status()
        let moment = Clock.bootTime()
        let report = try asking?.value()?.get()
        let server: Server = program == nil ? .kernel : report == nil ? .otherProgram : .nightjar
        let file = files.end(reading)
        let now = Clock.wallTime()
        var snapshot = InterfaceSnapshot(
            name: name, server: server, status: status, report: report, path: file?.path, configuration: file?.text,
            time: WallTime(seconds: now.seconds, nanoseconds: now.nanoseconds))
        snapshot.moment = moment
        snapshot.link = link(name)
        return snapshot
    }

    private static func link(_ name: String) -> LinkState? {
        guard var netlink = try? Netlink() else { return nil }
        return try? netlink.link(named: name)
    }
}

extension InterfaceSnapshot {
    /// Whether the interface is up; nil when nobody knows.
    package var isUp: Bool? { report?.isUp ?? link?.isUp }

    /// Of the interface, in bytes.
    package var mtu: Int? { report.flatMap { $0.mtu > 0 ? $0.mtu : nil } ?? link?.mtu }

    /// The age from which on a session isn't used any more: what follows from it about a peer is the same for all.
    package var sessionLifetime: Age {
        let seconds =
            status.obfuscation.amneziaWG?.rejectAfterTime?.upperBound ?? Timing.standard.rejectAfterTime.upperBound
        return Age(milliseconds: UInt64(seconds) * 1000)
    }
}
