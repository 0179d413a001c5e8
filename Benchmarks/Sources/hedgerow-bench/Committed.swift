import ArgumentParser
import GRPCCore

/// `hedgerow-bench committed`: what the cloud has of a thing.
struct Committed: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "committed",
        abstract: "Print how many readings of a thing the cloud has, when no more come.")

    @OptionGroup var cloud: CloudOptions

    func run() async throws {
        let received = try await cloud.withCounter { try await $0?.settled() }
        JSONLine.print(["received": Double(received ?? 0)])
    }
}
