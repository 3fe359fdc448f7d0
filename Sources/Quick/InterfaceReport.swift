package import Control

/// What the daemon of an interface reports.
package enum InterfaceReport {
    /// Nil when it isn't up, isn't served by Nightjar, or mayn't be asked.
    package static func take(_ interface: String, _ surroundings: Surroundings) -> DeviceReport? {
        let device = try? WireGuardDevices.open(interface, in: surroundings.devicePlaces)
        return (try? (device as? UserspaceDevice)?.report()) ?? nil
    }
}
