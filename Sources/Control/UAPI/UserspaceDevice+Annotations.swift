import LinuxNet
package import Tunnel
package import Wire

extension UserspaceDevice {
    /// Tells what peers are called and how long they may be used; what it was told of them before doesn't count any more. Peers that it
    /// doesn't have stay away.
    ///
    /// - Returns: whether it was taken. Programs other than Nightjar refuse it, which is no failure of anything else.
    package func annotate(_ peers: [(key: PublicKey, annotation: PeerAnnotation)]) -> Bool {
        guard !peers.isEmpty else { return true }
        var request = UAPIWriter(capacity: 16 + 256 * peers.count)
        request.append("set=1\n")
        for (key, annotation) in peers {
            request.line(.publicKey, key: key.bytes)
            request.flag(.updateOnly)
            request.key(.annotationName)
            request.append(annotation.printableName)
            request.append("\n")
            if let expires = annotation.expires { request.line(.annotationExpires, UInt64(max(0, expires))) }
            if let quota = annotation.quota { request.line(.annotationQuota, quota) }
            if let since = annotation.quotaSince { request.line(.annotationQuotaSince, UInt64(max(0, since))) }
        }
        request.append("\n")
        guard let answer = try? ask(request.bytes) else { return false }
        return answer.elementsEqual("errno=0\n\n".utf8)
    }
}
