package import Tunnel
import Wire

/// Hosts, the links between them, and their common clock. Time jumps from one event to the next, so that minutes of
/// protocol take milliseconds, and every run with the same seed is the same.
package final class SimulatedNetwork {
    package private(set) var clock = SimulatedClock()
    /// What happens to every datagram.
    package var link: SimulatedLink
    package let eavesdropper = Eavesdropper()
    /// Sees each datagram before it is carried and may change it; nil swallows it.
    package var interceptor: ((Datagram) -> Datagram?)?

    private var hosts: [SimulatedHost] = []
    private var flying: [Flight] = []
    private var departures: UInt64 = 0

    private struct Flight {
        let arrival: Instant
        let number: UInt64
        let datagram: Datagram
    }

    package init(seed: UInt64 = 1) {
        link = SimulatedLink(seed: seed)
    }

    package var now: Moment { clock.now }

    package func attach(_ host: SimulatedHost) {
        hosts.append(host)
        collect()
    }

    /// Sends a packet of `host` into its tunnel now.
    package func send(_ packet: [UInt8], from host: SimulatedHost) {
        host.send(packet, now: now)
        collect()
    }

    /// Changes a host's device now.
    package func change(_ host: SimulatedHost, _ body: (Device) -> Void) {
        host.perform(now: now, body)
        collect()
    }

    /// Puts a datagram of anybody's on the wire.
    package func inject(_ datagram: Datagram) {
        depart(datagram)
    }

    /// Lets `span` pass.
    package func run(for span: Instant.Span) {
        run(until: clock.instant + span)
    }

    /// Lets time pass until `end`, doing everything due up to then.
    package func run(until end: Instant) {
        while let next = nextEvent, next <= end {
            clock.advance(to: next)
            step()
        }
        clock.advance(to: end)
    }

    /// Lets `span` pass while `host` sleeps: it does nothing, what is sent to it is lost, and its timers are late.
    package func suspend(_ host: SimulatedHost, for span: Instant.Span) {
        let all = hosts
        hosts.removeAll { $0 === host }
        run(for: span)
        hosts = all
    }

    /// Sets everybody's wall clock forward, or back when `seconds` is negative.
    package func shiftWall(bySeconds seconds: Int64) {
        clock.shiftWall(bySeconds: seconds)
    }

    private var nextEvent: Instant? {
        let deadlines = hosts.compactMap { $0.device.nextDeadline } + [flying.first?.arrival].compactMap { $0 }
        return deadlines.min()
    }

    /// Does what is due now.
    private func step() {
        while let flight = flying.first, flight.arrival <= clock.instant {
            flying.removeFirst()
            for host in hosts where host.endpoint == flight.datagram.destination {
                host.receive(flight.datagram, now: now)
            }
            collect()
        }
        for host in hosts {
            var turns = 0
            while let deadline = host.device.nextDeadline, deadline <= clock.instant {
                host.handleTimeout(now: now)
                turns += 1
                precondition(
                    turns <= 1 + host.device.peers.count / Limits.peersPerTurn, "a timer that is due must not stay so")
            }
        }
        collect()
    }

    private func collect() {
        for host in hosts {
            for datagram in host.takeOutbox() { depart(datagram) }
        }
    }

    private func depart(_ datagram: Datagram) {
        eavesdropper.see(datagram, at: now)
        guard let datagram = interceptor.map({ $0(datagram) }) ?? datagram else { return }
        for (arrival, copy) in link.carry(datagram, at: clock.instant) {
            let flight = Flight(arrival: arrival, number: departures, datagram: copy)
            departures += 1
            let place =
                flying.lastIndex { ($0.arrival, $0.number) < (arrival, flight.number) }.map { $0 + 1 } ?? 0
            flying.insert(flight, at: place)
        }
    }
}
