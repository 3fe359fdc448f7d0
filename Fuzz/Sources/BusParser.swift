@testable import Quick

/// Messages of the system bus: read, their values too, and read again as they are written.
///
/// An input is a message.
final class BusParser: FuzzedParser {
    let share = 2
    let longestInput = 512

    func run(_ input: inout Input) {
        let bytes = Array(input.all())
        let length = try? DBusMessage.length(bytes.prefix(DBusMessage.preamble)[...])
        guard let message = try? DBusMessage(decoding: bytes[...]) else { return }
        require(length == bytes.count, "a message is as long as its beginning says")
        if let values = try? message.values() {
            require(values.map(\.signature).joined() == message.signature, "values have the types of the signature")
        }
        guard !message.isBigEndian else { return }
        require((try? DBusMessage(decoding: message.encoded[...])) == message, "a message is read as it is written")
    }

    var samples: [[UInt8]] {
        let server = DBusValue.structure([.int32(2), .array(of: "y", [10, 0, 0, 1].map { .byte($0) })])
        let domain = DBusValue.structure([.string("corp.example"), .boolean(true)])
        let bodies: [[DBusValue]] = [
            [], [.string(":1.7")], [.boolean(true)], [.uint32(7)], [.objectPath("/a/b")], [.signature("a(iay)")],
            [.int32(3), .array(of: "(iay)", [server, server])], [.variant(.array(of: "(sb)", [domain]))],
            [.variant(.variant(.array(of: "s", [])))],
        ]
        return bodies.flatMap { body in
            var reply = DBusMessage(.methodReturn, serial: 7)
            reply.replySerial = 3
            reply.sender = ":1.1"
            reply.setBody(body)
            var failure = reply
            failure.kind = .error
            failure.errorName = "org.example.Error"
            let call = DBusMessage(call: "M", of: "a.b", at: "/p", on: "x.y", serial: 9, body)
            var swapped = reply.encoded
            swapped[0] = UInt8(ascii: "B")
            return [reply.encoded, failure.encoded, call.encoded, swapped]
        }
    }
}
