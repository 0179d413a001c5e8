import ArgumentParser
import Cloud

/// `hedgerow-cloud version`.
struct Version: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Print the version.")

    func run() { print("hedgerow-cloud \(CloudVersion.current)") }
}
