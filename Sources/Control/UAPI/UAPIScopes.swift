import Glibc

/// How interfaces are named in the scope of a link-local endpoint, `[fe80::1%eth0]:51820`.
package struct UAPIScopes {
    /// The index of the interface of this name, nil when there is none.
    package var index: (Substring) -> UInt32?
    /// The name of the interface with this index, nil when there is none.
    package var name: (UInt32) -> String?

    package init(index: @escaping (Substring) -> UInt32?, name: @escaping (UInt32) -> String?) {
        self.index = index
        self.name = name
    }

    /// The interfaces of the network namespace that the calling thread is in.
    package static var system: UAPIScopes {
        UAPIScopes(
            index: { name in
                let index = if_nametoindex(String(name))
                return index == 0 ? nil : index
            },
            name: { index in
                withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(IF_NAMESIZE)) { buffer in
                    // Safe: the buffer has the IF_NAMESIZE bytes that the call may write, its final zero included.
                    if_indextoname(index, buffer.baseAddress!).map { String(cString: $0) }
                }
            })
    }
}
