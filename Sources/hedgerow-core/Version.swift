import ArgumentParser
import EdgeCore

/// `hedgerow-core version`.
struct Version: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Print the version.")

    func run() { print("hedgerow-core \(CoreVersion.current)") }
}
