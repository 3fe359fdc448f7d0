import Obfuscation
import Testing
import Tunnel
import Wire

/// Every dialect that a relay may speak, by a name for reports.
struct TestDialect: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let dialect: Dialect

    init(_ name: String, _ dialect: Dialect) {
        testDescription = name
        self.dialect = dialect
    }

    static let all: [TestDialect] = [
        TestDialect("plain", .plain),
        TestDialect("xor", .xor(XORSettings(key: ObfuscationKey(Array("adamxiao".utf8))))),
    ]
}
