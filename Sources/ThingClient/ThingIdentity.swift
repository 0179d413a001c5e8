public import FoundationEssentials
import Identity
import PKI

/// Who a thing is, as far as its files say.
public struct ThingIdentity: Sendable {
    /// Name of the thing.
    public let name: String
    /// Its state directory.
    public let state: String
    /// Its SPIFFE ID; nil before it is enrolled.
    public let spiffeID: String?
    /// When its certificate is renewed at the latest; nil before it is enrolled.
    public let renewTime: Date?

    private init(name: String, state: String, identity: StoredIdentity?) {
        self.name = name
        self.state = state
        self.spiffeID = identity.map { $0.principal.spiffeID(trustDomain: $0.trustDomain) }
        self.renewTime = identity?.renewTime
    }

    /// Reads token file and state directory; asks nobody.
    ///
    /// - Throws: ``ThingError/invalidConfiguration(_:)``, ``ThingError/stateUnusable(_:)``.
    public static func read(_ configuration: ThingConfiguration) async throws -> ThingIdentity {
        let place = try await StateLocation.find(configuration)
        guard let name = place.name else {
            throw ThingError.invalidConfiguration(
                "There is no identity in \(place.path) and no token file was given; make one with "
                    + "`hedgerow things create`.")
        }
        return ThingIdentity(name: name, state: place.path, identity: place.identity)
    }

    /// Enrols the thing where it has no identity yet: one attempt at each address of the cloud.
    ///
    /// Repeatable: an enrolled thing is left as it is, and a lost answer is asked for again with the same key.
    ///
    /// - Throws: ``ThingError/enrollmentRefused(_:)``, what ``read(_:)`` throws, `RPCError` where no address
    ///   answered.
    public static func enroll(_ configuration: ThingConfiguration) async throws -> ThingIdentity {
        let place = try await StateLocation.find(configuration)
        if place.identity == nil, let token = place.token {
            let enroller = Enroller(
                directory: IdentityDirectory(path: place.path),
                dialer: ServerDialer(trustDomain: token.trustDomain, now: configuration.now),
                timeout: configuration.connectTimeout)
            let identity = try await enroller.enroll(token)
            return ThingIdentity(name: token.name, state: place.path, identity: identity)
        }
        return try await read(configuration)
    }
}
