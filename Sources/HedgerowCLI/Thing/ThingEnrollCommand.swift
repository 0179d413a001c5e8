import ArgumentParser
import Foundation
import ThingClient

/// `hedgerow thing enroll`: get an identity and stop.
struct ThingEnrollCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "enroll",
        abstract: "Exchange a token file for a certificate.",
        discussion: """
            The key is made here and never leaves. Enrolling again changes nothing, and asking again after a lost \
            answer works for an hour.

            Example:
              hedgerow thing enroll --token bme680-1.token
              hedgerow thing enroll --token bme680-1.token --state /var/lib/bme680-1
            """)

    @OptionGroup var identity: ThingIdentityOptions

    func run() async throws {
        let before = try await ThingIdentity.read(identity.configuration)
        let thing = try await Progress.show("waiting for the cloud") { _ in
            try await ThingIdentity.enroll(identity.configuration)
        }
        let done = before.spiffeID == nil ? "Enrolled" : "Already enrolled"
        print("\(done) as \(thing.spiffeID ?? thing.name) in \(thing.state).")
        if let renewTime = thing.renewTime {
            print(
                "The certificate renews itself before \(renewTime.formatted(.iso8601)) while the thing runs.")
        }
    }
}
