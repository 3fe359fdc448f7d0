import Control
import LinuxNet
package import Status
import Tunnel

/// Where an answer's facts come from. Calls may take a while.
package protocol MetricsSource: Sendable {
    /// The interface as it is now.
    func snapshot() throws -> InterfaceSnapshot
    /// Throws unless the interface is served.
    func check() throws
}

/// A daemon's own configuration socket, asked as any other client asks it, so that metrics share nothing with the data path.
package struct ConfigurationSocketSource: MetricsSource {
    private let interface: String
    private let places: DevicePlaces

    package init(interface: String, socketDirectory: String) {
        self.interface = interface
        places = DevicePlaces(socketDirectories: [socketDirectory], includesKernel: false)
    }

    package func snapshot() throws -> InterfaceSnapshot {
        let device = try WireGuardDevices.open(interface, in: places)
        let program = device as? UserspaceDevice
        let asking = Background("report") { Result { () throws(SystemError) in try program?.report() } }
        let status = try device.status()
        let report = try asking.value()?.get()
        let time = Clock.wallTime()
        return InterfaceSnapshot(
            name: interface, server: .nightjar, status: status, report: report, path: nil,
            configuration: nil, time: WallTime(seconds: time.seconds, nanoseconds: time.nanoseconds))
    }

    package func check() throws {
        _ = try UAPIClient(interface: interface, in: places).drops()
    }
}
