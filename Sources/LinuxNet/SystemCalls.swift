import CLinux
import Glibc

/// What a read or a write came to. Costs nothing but its bytes, so that the data path can switch over it.
package enum IOResult: Equatable, Sendable {
    /// Bytes moved; messages, for the calls that move several.
    case bytes(Int)
    /// A non-blocking descriptor has nothing to read or no room to write.
    case wouldBlock
    /// Any other `errno` value; an interrupted call is repeated instead.
    case failed(Int32)
}

/// The calls of the data path: each retries when interrupted, allocates nothing, and returns `errno` as a value.
///
/// Not inlined, so that nothing can come between a call and the reading of its `errno`.
enum SystemCall {
    @inline(never)
    static func read(_ descriptor: Int32, _ buffer: UnsafeMutableRawBufferPointer) -> IOResult {
        retrying { Glibc.read(descriptor, buffer.baseAddress, buffer.count) }
    }

    @inline(never)
    static func write(_ descriptor: Int32, _ slices: UnsafePointer<iovec>, count: Int) -> IOResult {
        retrying { writev(descriptor, slices, Int32(truncatingIfNeeded: count)) }
    }

    /// `bytes` of the result are messages.
    @inline(never)
    static func receive(_ descriptor: Int32, _ messages: UnsafeMutablePointer<clinux_message>, count: Int) -> IOResult {
        let flags = Int32(MSG_WAITFORONE)
        return retrying {
            Int(clinux_receive_messages(descriptor, messages, UInt32(truncatingIfNeeded: count), flags))
        }
    }

    /// Never waits; `bytes` of the result are messages.
    @inline(never)
    static func send(_ descriptor: Int32, _ messages: UnsafeMutablePointer<clinux_message>, count: Int) -> IOResult {
        let flags = Int32(MSG_DONTWAIT | MSG_NOSIGNAL)
        return retrying {
            Int(clinux_send_messages(descriptor, messages, UInt32(truncatingIfNeeded: count), flags))
        }
    }

    /// A negative time limit waits for ever. `bytes` of the result are ready descriptors, 0 after the time limit.
    @inline(never)
    static func poll(_ descriptors: UnsafeMutablePointer<pollfd>, count: Int, milliseconds: Int32) -> IOResult {
        retrying { Int(Glibc.poll(descriptors, nfds_t(count), milliseconds)) }
    }

    @inline(__always)
    private static func retrying(_ call: () -> Int) -> IOResult {
        while true {
            let result = call()
            if result >= 0 { return .bytes(result) }
            let code = errno
            if code == EINTR { continue }
            return code == EAGAIN ? .wouldBlock : .failed(code)
        }
    }
}
