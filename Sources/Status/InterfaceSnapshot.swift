package import Control
import Glibc
package import LinuxNet
package import Quick
package import Tunnel
package import Wire

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
    /// The file that describes it; nil when there is none, or when it can't be read.
    package var path: String?
    package var configuration: ConfigurationText?
    /// Unix time that it was taken at.
    package var time: WallTime

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
    /// - Throws: when there is no such interface, or it doesn't answer.
    package static func take(_ name: String, _ surroundings: Surroundings) throws -> InterfaceSnapshot {
        let device = try WireGuardDevices.open(name, in: surroundings.devicePlaces)
        let status = try device.status()
        var report: DeviceReport?
        var server = Server.kernel
        if let program = device as? UserspaceDevice {
            report = try program.report()
            server = report == nil ? .otherProgram : .nightjar
        }
        let file = try? ConfigurationEdit.read(name, surroundings)
        let now = Clock.wallTime()
        return InterfaceSnapshot(
            name: name, server: server, status: status, report: report, path: file?.location.path,
            configuration: file?.text, time: WallTime(seconds: now.seconds, nanoseconds: now.nanoseconds))
    }
}
