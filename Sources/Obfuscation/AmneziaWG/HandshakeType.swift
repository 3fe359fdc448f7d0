package import Tunnel
import Wire

/// The first four bytes of handshake messages that go on in another dialect than they came in, as in a relay.
package enum HandshakeType {
    /// Gives an initiation, response or cookie reply another type.
    ///
    /// MAC1 is computed anew, since it covers the type. MAC2 isn't, which only somebody who was sent a cookie can.
    ///
    /// - Parameter macs: those of the message's receiver.
    /// - Returns: false when they are needed and missing; the message is then as it was.
    package static func change(_ message: UnsafeMutableRawBufferPointer, to type: UInt32, macs: MACKeys?) -> Bool {
        guard let kind = Message.kind(ofHandshakeSize: message.count), let start = message.baseAddress else {
            return false
        }
        if UnsafeRawPointer(start).littleEndian32(at: 0) == type { return true }
        if kind == .cookieReply {
            start.storeLittleEndian(type, at: 0)
            return true
        }
        guard let macs else { return false }
        start.storeLittleEndian(type, at: 0)
        macs.mac1(of: UnsafeRawBufferPointer(message)).store(to: start + message.count - 2 * Message.macSize)
        return true
    }

    /// Gives a message WireGuard's own type, as ``change(_:to:macs:)`` does.
    package static func makePlain(_ message: UnsafeMutableRawBufferPointer, macs: MACKeys?) -> Bool {
        guard let kind = Message.kind(ofHandshakeSize: message.count) else { return false }
        return change(message, to: kind.rawValue, macs: macs)
    }
}
