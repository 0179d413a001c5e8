import ArgumentParser

/// The server whose shadows are used, and who calls it, from the command line.
struct ShadowServerOptions: ParsableArguments {
    @Option(help: "A core or the cloud: SERVER-NAME@PORT.")
    var to: Peer

    @Option(help: "PEM file of the server's authorities; those of the identity where it is not named.")
    var roots: String?

    @Option(help: "Directory of an operator's identity; where it is not named each thing calls as itself.")
    var operatorIdentity: String?

    @Option(help: "Where `enroll-things` made the state directories of the things.")
    var directory = "."

    /// The identity of the operator, or else of a thing.
    func files(thing index: Int) throws -> TLSFiles {
        try TLSFiles(
            directory: operatorIdentity ?? FleetMember.state(index, in: directory), roots: roots)
    }
}
