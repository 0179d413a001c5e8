import ArgumentParser
import GRPCCore

/// `hedgerow-bench committed`: what the cloud has of a thing.
struct Committed: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "committed", abstract: "Print how many readings of a thing the cloud has committed.")

    @OptionGroup var cloud: CloudOptions

    func run() async throws {
        let counts = try await cloud.withCounter { try await $0?.count() }
        JSONLine.print(["received": Double(counts?.received ?? 0), "lost": Double(counts?.lost ?? 0)])
    }
}
