import ArgumentParser
import Foundation
import Observability

/// `hedgerow-cloud operator-token`: the first operator's token, where nothing else can read the state directory.
struct OperatorToken: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "operator-token",
        abstract: "Print the token file that the first start wrote for the first operator.",
        discussion: """
            For containers, whose image has no shell and no tar. Whoever has this text first becomes the operator: \
            redirect it into a file, use it at once with `hedgerow init`, and delete the file.

            Example: kubectl exec hedgerow-cloud-0 -- /usr/bin/hedgerow-cloud operator-token > operator.token
            """)

    @Argument(parsing: .allUnrecognized, help: "Settings: --KEY VALUE, see `hedgerow-cloud --help`.")
    var settings: [String] = []

    func run() throws {
        let state: String
        do {
            state = try loadSettings(settings).text("state")
        } catch let error as SettingsError {
            throw fail(error.description, code: 64)
        }
        guard let token = FileManager.default.contents(atPath: state + "/operator.token") else {
            throw fail(
                "there is no \(state)/operator.token, or it may not be read; the first start writes it, and an "
                    + "operator can make another one with `hedgerow things token`", code: 1)
        }
        FileHandle.standardOutput.write(token)
    }
}
