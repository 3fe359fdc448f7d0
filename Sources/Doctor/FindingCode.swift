/// The stable names of what the doctor can find, as scripts and `nightjar explain` know them.
package enum FindingCode: String, CaseIterable, Sendable {
    case noTunDevice = "no-tun-device"
}
