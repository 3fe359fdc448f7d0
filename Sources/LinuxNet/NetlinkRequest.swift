import CLinux
import Glibc
package import Wire

/// A netlink request under construction.
package struct NetlinkRequest {
    package private(set) var bytes: [UInt8] = []

    /// - Parameters:
    ///   - type: `RTM_…`, or a generic family's number.
    ///   - flags: `NLM_F_…` beside `NLM_F_REQUEST`.
    ///   - fixed: the part before the attributes.
    ///   - capacity: bytes to reserve. A request that holds secrets must stay within, else copies of them remain.
    package init<Fixed: BitwiseCopyable>(_ type: Int, flags: Int32, _ fixed: Fixed, capacity: Int = 0) {
        bytes.reserveCapacity(capacity)
        var header = nlmsghdr()
        header.nlmsg_type = UInt16(truncatingIfNeeded: type)
        header.nlmsg_flags = UInt16(truncatingIfNeeded: flags | NLM_F_REQUEST)
        append(header)
        append(fixed)
    }

    /// Adds a number or another value of a fixed size, in the machine's byte order.
    package mutating func add<Value: BitwiseCopyable>(_ type: Int, _ value: Value) {
        withUnsafeBytes(of: value) { add(type, bytes: $0) }
    }

    /// Adds text, with a zero at its end.
    package mutating func add(_ type: Int, text: String) {
        Array(text.utf8 + [0]).withUnsafeBytes { add(type, bytes: $0) }
    }

    package mutating func add(_ type: Int, _ address: IPAddress) {
        switch address {
        case .v4(let address): add(type, address.value.bigEndian)
        case .v6(let address): add(type, (address.high.bigEndian, address.low.bigEndian))
        }
    }

    /// Adds a `sockaddr_in` or `sockaddr_in6`.
    package mutating func add(_ type: Int, _ endpoint: Endpoint) {
        withUnsafeTemporaryAllocation(byteCount: SocketAddress.capacity, alignment: 8) { form in
            // Safe: an allocation has an address.
            let count = Int(SocketAddress.store(endpoint, to: form.baseAddress.unsafelyUnwrapped))
            add(type, bytes: UnsafeRawBufferPointer(rebasing: form[..<count]))
        }
    }

    /// Adds at most 65 531 bytes.
    package mutating func add(_ type: Int, bytes value: UnsafeRawBufferPointer) {
        var header = rtattr()
        header.rta_len = UInt16(truncatingIfNeeded: MemoryLayout<rtattr>.size + value.count)
        header.rta_type = UInt16(truncatingIfNeeded: type)
        append(header)
        bytes.append(contentsOf: value)
        pad()
    }

    /// An attribute that holds those that `body` adds, at most 65 531 bytes.
    package mutating func nest(_ type: Int, _ body: (inout NetlinkRequest) -> Void) {
        let start = beginNest(type)
        body(&self)
        endNest(start)
    }

    /// Begins an attribute that holds all that is added until ``endNest(_:)`` is called with the result.
    package mutating func beginNest(_ type: Int) -> Int {
        let start = bytes.count
        var header = rtattr()
        header.rta_type = UInt16(truncatingIfNeeded: Int32(truncatingIfNeeded: type) | NLA_F_NESTED)
        append(header)
        return start
    }

    package mutating func endNest(_ start: Int) {
        let length = UInt16(truncatingIfNeeded: bytes.count - start)
        withUnsafeBytes(of: length) { bytes.replaceSubrange(start..<start + 2, with: $0) }
    }

    /// Fills in the length and the number that the answer will bear, and sets more flags.
    mutating func finish(sequence: UInt32, flags: Int32 = 0) {
        bytes.withUnsafeMutableBytes { target in
            var header = target.loadUnaligned(as: nlmsghdr.self)
            header.nlmsg_len = UInt32(truncatingIfNeeded: target.count)
            header.nlmsg_seq = sequence
            header.nlmsg_flags |= UInt16(truncatingIfNeeded: flags)
            target.storeBytes(of: header, as: nlmsghdr.self)
        }
    }

    /// The request with its length and `sequence` filled in.
    func finished(sequence: UInt32) -> [UInt8] {
        var whole = self
        whole.finish(sequence: sequence)
        return whole.bytes
    }

    /// Overwrites the bytes with zeros, for a request that held secrets. Nothing else may share them.
    package mutating func wipe() {
        bytes.withUnsafeMutableBytes { if let start = $0.baseAddress { explicit_bzero(start, $0.count) } }
        bytes = []
    }

    private mutating func append<Value: BitwiseCopyable>(_ value: Value) {
        withUnsafeBytes(of: value) { bytes.append(contentsOf: $0) }
        pad()
    }

    private mutating func pad() {
        while bytes.count != netlinkAligned(bytes.count) { bytes.append(0) }
    }
}
