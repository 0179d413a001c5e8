import FoundationEssentials
import Logging
import ServiceLifecycle

/// Replaces the CAs of groups when they are old enough: often, so that it is known to work; the new one is
/// trusted before any core uses it, and the old ones for as long as a certificate of theirs is in use.
struct AuthorityRotation: Service {
    let cloud: CloudContext

    init(_ cloud: CloudContext) {
        self.cloud = cloud
    }

    /// Looks at all groups now and then until shut down.
    func run() async throws {
        // A twentieth of the interval late is early enough, and a minute costs nothing.
        let pause = min(max(cloud.configuration.authorityRotation / 20, .milliseconds(100)), .minutes(1))
        await cancelWhenGracefulShutdown {
            repeat {
                do {
                    try await rotateDue()
                } catch is CancellationError {
                    return
                } catch {
                    cloud.logger.error(
                        "the certificate authorities of the groups could not be looked at",
                        metadata: ["error": "\(error)"])
                }
            } while (try? await cloud.time.sleep(pause)) != nil
        }
    }

    /// Replaces what is due.
    func rotateDue() async throws {
        let now = cloud.now
        for authority in try await cloud.credentials.signingGroupAuthorities() {
            guard let group = authority.group else { continue }
            let interval =
                cloud.directory.authorityRotation(of: group) ?? cloud.configuration.authorityRotation
            guard now >= authority.createTime.adding(interval) else { continue }
            do {
                // Nothing happens where an operator was quicker.
                guard
                    let new = try await cloud.groupAuthorities.rotate(group, expected: authority.fingerprint)
                else { continue }
                _ = cloud.announceAuthority(new, of: group)
            } catch let error as StoreError {
                cloud.logger.error(
                    "the certificate authority of a group could not be replaced",
                    metadata: ["group": "\(group)", "error": "\(error)"])
            }
        }
    }
}
