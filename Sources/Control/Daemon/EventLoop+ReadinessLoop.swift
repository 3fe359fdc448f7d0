package import LinuxNet

extension EventLoop: ReadinessLoop {
    package func watch(
        _ descriptor: Int32, readable: Bool, writable: Bool, handler: @escaping (Readiness) -> Void
    ) {
        var interest: Interest = []
        if readable { interest.insert(.readable) }
        if writable { interest.insert(.writable) }
        remove(descriptor)
        do throws(SystemError) {
            try add(descriptor, for: interest) { ready in
                let hangup = !ready.intersection(.hangup).isEmpty
                handler(
                    Readiness(
                        readable: hangup || ready.contains(.readable), writable: hangup || ready.contains(.writable)))
            }
        } catch {
            // Only a shortage of kernel memory gets here. What can be done now is done; more isn't heard of, and the
            // client gives up by itself.
            handler(Readiness(readable: true, writable: true))
        }
    }

    package func unwatch(_ descriptor: Int32) {
        remove(descriptor)
    }
}
