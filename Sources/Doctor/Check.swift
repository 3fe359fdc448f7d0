/// One thing that the doctor looks for: a function from facts to findings. It asks nobody and changes nothing, so a test
/// gives it facts that are made by hand.
package protocol Check: Sendable {
    /// What is wrong with one of the interfaces that are examined.
    func findings(_ interface: InterfaceFacts, _ facts: Facts) -> [Finding]
}

package enum Checks {
    /// All of them. Their order doesn't count; that of findings is ``FindingCode``'s.
    package static let all: [any Check] = ofHost + ofPeers
}
