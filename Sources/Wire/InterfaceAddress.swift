/// An interface's own address and the length of the network around it: `10.0.0.1/24`, with the host bits kept.
package struct InterfaceAddress: Hashable, Sendable {
    package let address: IPAddress
    /// 0…32 or 0…128.
    package let length: Int

    /// Nil when `length` doesn't fit the address's family. Without a length the network is the address alone.
    package init?(_ address: IPAddress, length: Int? = nil) {
        let length = length ?? address.bitCount
        guard length >= 0, length <= address.bitCount else { return nil }
        self.address = address
        self.length = length
    }

    /// The network that the address is in.
    package var network: Prefix? { Prefix(address, length: length) }
}

extension InterfaceAddress: CustomStringConvertible {
    /// `address` or `address/length`, nothing else.
    package init?(_ text: Substring) {
        guard let address = withBytes(of: text, { InterfaceAddress(utf8: $0) }) else { return nil }
        self = address
    }

    /// The same for text in memory, without the cost of a string.
    package init?(utf8 text: UnsafeRawBufferPointer) {
        let slash = text.lastIndex(of: UInt8(ascii: "/"))
        guard let address = IPAddress(utf8: UnsafeRawBufferPointer(rebasing: text[..<(slash ?? text.endIndex)])) else {
            return nil
        }
        guard let slash else {
            self.init(address)
            return
        }
        guard let length = prefixLength(UnsafeRawBufferPointer(rebasing: text[(slash + 1)...])) else { return nil }
        self.init(address, length: length)
    }

    package init?(_ text: String) {
        self.init(Substring(text))
    }

    package var description: String { "\(address)/\(length)" }
}
