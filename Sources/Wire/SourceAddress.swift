/// The local address and interface that a peer's packets came to, and that answers leave from ("sticky source").
/// Protocol §11.
package struct SourceAddress: Hashable, Sendable {
    package var address: IPAddress
    /// The index of the interface; 0 leaves the choice to the routing table.
    package var interfaceIndex: UInt32

    package init(_ address: IPAddress, interfaceIndex: UInt32) {
        self.address = address
        self.interfaceIndex = interfaceIndex
    }
}
