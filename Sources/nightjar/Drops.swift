import ArgumentParser
import Control

struct Drops: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show how many packets an interface has dropped, and why.")

    @Flag(name: .shortAndLong, help: "Also show reasons that have not occurred.")
    var all = false

    @Argument(help: "The interface's name.", completion: .interface)
    var interface: String

    func run() throws {
        do {
            for (reason, count) in try UAPIClient(interface: interface, in: ToolFamily.nightjar.devicePlaces).drops()
            where all || count > 0 {
                print("\(reason): \(count)")
            }
        } catch {
            fail("\(interface): \(error)")
        }
    }
}
