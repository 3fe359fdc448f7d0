import Testing

@testable import Relay

@Suite struct SessionIndicesTests {
    @Test func theNewestEightStay() {
        var indices = SessionIndices()
        #expect(!indices.contains(0))
        for index in UInt32(1)...8 { #expect(indices.insert(index) == nil) }
        #expect(indices.insert(3) == nil)
        #expect(indices.insert(9) == 1)
        #expect(indices.insert(10) == 2)
        #expect(Set(indices.all) == Set(3...10))
        #expect(!indices.contains(1) && indices.contains(10))
    }
}
