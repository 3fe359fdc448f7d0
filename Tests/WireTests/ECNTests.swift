import Testing
import Wire

@Suite struct ECNTests {
    private let all: [ECN] = [.notCapable, .capable1, .capable0, .congestion]

    @Test func bitsOfTheTrafficClass() {
        for value: UInt8 in 0...255 {
            #expect(ECN(trafficClass: value).rawValue == value & 3)
        }
    }

    @Test func outerMarkFollowsTheInnerOneButForCongestion() {
        #expect(all.map(\.encapsulated) == [.notCapable, .capable1, .capable0, .capable0])
    }

    @Test func onlyOuterCongestionOnACapablePacketChangesIt() {
        for outer in all {
            for inner in all {
                for trafficClass in [inner.rawValue, 0xfc | inner.rawValue] {
                    let packets = [
                        packet4(trafficClass: trafficClass, payload: [1, 2]),
                        packet6(trafficClass: trafficClass, payload: [1, 2]),
                    ]
                    for original in packets {
                        var bytes = original
                        bytes.withUnsafeMutableBytes {
                            ECN.decapsulate(outer: outer, packet: $0.baseAddress!)
                        }
                        let marks = outer == .congestion && inner != .notCapable
                        let expected = marks ? trafficClass | 3 : trafficClass
                        let rebuilt =
                            original[0] >> 4 == 4
                            ? packet4(trafficClass: expected, payload: [1, 2])
                            : packet6(trafficClass: expected, payload: [1, 2])
                        #expect(bytes == rebuilt, "outer \(outer), inner \(inner)")
                    }
                }
            }
        }
    }
}
