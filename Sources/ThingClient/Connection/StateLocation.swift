import Foundation
import Identity
import PKI

/// Where a thing's state is, and what is there already.
struct StateLocation: Sendable {
    let path: String
    let identity: StoredIdentity?
    let token: TokenFile?

    /// The name of the thing that will run.
    var name: String? { identity?.principal.name ?? token?.name }

    /// Reads the token file and the identity.
    ///
    /// - Throws: ``ThingError/stateUnusable(_:)`` where something is there and cannot be read (never taken for
    ///   absent); ``ThingError/invalidConfiguration(_:)`` where token and identity are of two things.
    static func find(_ configuration: ThingConfiguration) async throws -> StateLocation {
        try await BlockingIO.run {
            var token: TokenFile?
            var tokenProblem: IdentityFileError?
            if let path = configuration.token {
                do throws(IdentityFileError) { token = try TokenFile.read(from: path) } catch {
                    tokenProblem = error
                }
            }
            let directory: String
            if let state = configuration.state {
                directory = state
            } else if let token {
                directory = defaultDirectory(for: token.name)
            } else {
                throw ThingError.invalidConfiguration(
                    tokenProblem.map { "\($0)" } ?? "Neither a token file nor a state directory was given.")
            }
            let identity: StoredIdentity?
            do { identity = try IdentityDirectory(path: directory).load() } catch {
                throw ThingError.stateUnusable("\(error)")
            }
            // An enrolled thing does not need its token any more.
            if identity == nil, let tokenProblem { throw ThingError.invalidConfiguration("\(tokenProblem)") }
            if let identity, let token, identity.principal.name != token.name {
                throw ThingError.invalidConfiguration(
                    "The state directory \(directory) is of thing \"\(identity.principal.name)\", the token file of "
                        + "\"\(token.name)\"; give each thing a state directory of its own.")
            }
            return StateLocation(path: directory, identity: identity, token: token)
        }
    }

    /// `$XDG_STATE_HOME/hedgerow/things/NAME` (XDG Base Directory Specification 0.8).
    static func defaultDirectory(for name: String) -> String {
        let environment = ProcessInfo.processInfo.environment
        let base: String
        if let set = environment["XDG_STATE_HOME"], set.hasPrefix("/") {
            base = set
        } else {
            base = (environment["HOME"] ?? ".") + "/.local/state"
        }
        return base + "/hedgerow/things/" + name
    }
}
