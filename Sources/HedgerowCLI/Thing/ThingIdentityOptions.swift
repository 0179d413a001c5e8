import ArgumentParser
import ThingClient

/// Who the thing is: a token file, a state directory, or both.
struct ThingIdentityOptions: ParsableArguments {
    @Option(
        help: "Token file from `hedgerow things create`; needed until the thing is enrolled.",
        completion: .file())
    var token: String?

    @Option(
        help: """
            Directory of the identity and the last discovery answer. Default: \
            $XDG_STATE_HOME/hedgerow/things/NAME, or ~/.local/state/hedgerow/things/NAME.
            """, completion: .directory)
    var state: String?

    func validate() throws {
        if token == nil, state == nil {
            throw ValidationError(
                "Give --token FILE (from `hedgerow things create`), or --state DIRECTORY of an enrolled thing."
            )
        }
    }

    var configuration: ThingConfiguration { ThingConfiguration(token: token, state: state) }
}
