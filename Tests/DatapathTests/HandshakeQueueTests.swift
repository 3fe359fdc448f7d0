import Synchronization
import Testing
import Tunnel
import Wire

@testable import Datapath

@Suite("Handshake queue")
struct HandshakeQueueTests {
    /// Counts how often the control thread is woken.
    private final class Wakes: Sendable {
        private let count = Atomic(0)

        func add() { count.add(1, ordering: .relaxed) }

        /// How often since the last call.
        func take() -> Int { count.exchange(0, ordering: .relaxed) }
    }

    private let wakes = Wakes()
    private let queue: HandshakeQueue

    init() {
        queue = HandshakeQueue { [wakes] in wakes.add() }
    }

    @Test("The control thread is woken once, and not while it says that it will look by itself")
    func wakesOnce() {
        #expect(push(1) && push(2))
        #expect(wakes.take() == 1)
        #expect(handle(atMost: 5) == [1, 2])
        #expect(push(3))
        #expect(wakes.take() == 0)
        #expect(handle(atMost: 5) == [3])
        queue.rest()
        #expect(wakes.take() == 0)
        #expect(push(4) && push(5))
        #expect(wakes.take() == 1)
    }

    @Test("A message that came before the rest wakes it at once, and so do those that were left")
    func restWakesForWhatWaits() {
        #expect(push(1) && push(2))
        #expect(wakes.take() == 1)
        #expect(handle(atMost: 1) == [1])
        queue.rest()
        #expect(wakes.take() == 1)
        #expect(push(3))
        #expect(wakes.take() == 0)
        #expect(handle(atMost: 5) == [2, 3])
    }

    @Test("A message that comes while others are handled waits for the next look")
    func comesMeanwhile() {
        #expect(push(1))
        _ = wakes.take()
        let isMore = queue.handle(atMost: 5) { _ in _ = push(2) }
        #expect(isMore)
        #expect(wakes.take() == 0)
        #expect(handle(atMost: 5) == [2])
    }

    @Test("Messages come out as they went in, with how many wait behind each, also after the ring has turned")
    func keepsAll() {
        for round in 0..<5 {
            for number in 0..<Limits.handshakeQueue { #expect(push(number)) }
            #expect(!push(7), "round \(round)")
            var waiting = Limits.handshakeQueue
            let first = handle(atMost: 300) { now in
                waiting -= 1
                #expect(now == waiting)
            }
            #expect(first == Array(0..<300))
            #expect(push(8))
            #expect(handle(atMost: 2000) == Array(300..<Limits.handshakeQueue) + [8])
        }
    }

    private func push(_ number: Int) -> Bool {
        let message = message(number)
        return message.withUnsafeBytes { queue.push($0, from: endpoint(number), via: source(number)) }
    }

    /// The numbers of the messages that come out, each of which has to be whole.
    private func handle(atMost limit: Int, _ look: (_ waiting: Int) -> Void = { _ in }) -> [Int] {
        var numbers: [Int] = []
        _ = queue.handle(atMost: limit) { item in
            let number = Int(item.endpoint.port)
            #expect([UInt8](item.bytes) == self.message(number))
            #expect(item.endpoint == self.endpoint(number) && item.source == self.source(number))
            look(item.waiting)
            numbers.append(number)
        }
        return numbers
    }

    private func message(_ number: Int) -> [UInt8] {
        let sizes = [Message.Initiation.size, Message.Response.size, Message.CookieReply.size]
        return [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: sizes[number % 3])
    }

    private func endpoint(_ number: Int) -> Endpoint { Endpoint(address, port: UInt16(number)) }

    private func source(_ number: Int) -> SourceAddress? {
        number.isMultiple(of: 2) ? SourceAddress(address, interfaceIndex: UInt32(number)) : nil
    }

    private let address = IPAddress("192.0.2.1")!
}
