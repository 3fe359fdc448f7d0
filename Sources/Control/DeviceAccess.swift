package import Tunnel

/// Reads and changes one WireGuard interface, whoever serves it.
package protocol DeviceAccess {
    func status() throws -> DeviceStatus
    func apply(_ change: DeviceChange) throws
}
