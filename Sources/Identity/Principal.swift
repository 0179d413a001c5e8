/// Who somebody is: a role and a name, as their certificate says.
///
/// On the wire it is a SPIFFE ID in a URI SAN, `spiffe://TRUST-DOMAIN/ROLE/NAME`
/// (https://github.com/spiffe/spiffe/blob/main/standards/SPIFFE-ID.md).
public struct Principal: Hashable, Sendable, Codable, CustomStringConvertible {
    /// What they are.
    public let role: Role
    /// Their name, valid by ``EntityName``.
    public let name: String

    /// Makes a principal.
    ///
    /// - Throws: ``InvalidName`` where the name breaks the rule.
    public init(role: Role, name: String) throws(InvalidName) {
        try EntityName.validate(name)
        self.role = role
        self.name = name
    }

    /// Reads a SPIFFE ID.
    ///
    /// - Throws: ``InvalidSPIFFEID`` for another scheme, trust domain, role or shape.
    public init(spiffeID: String, trustDomain: String) throws(InvalidSPIFFEID) {
        let prefix = "spiffe://\(trustDomain)/"
        guard spiffeID.hasPrefix(prefix) else {
            throw InvalidSPIFFEID(id: spiffeID, problem: "is not of the trust domain \(trustDomain)")
        }
        let parts = spiffeID.dropFirst(prefix.count).split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let role = Role(rawValue: String(parts[0])) else {
            throw InvalidSPIFFEID(id: spiffeID, problem: "does not name a role and a name")
        }
        do {
            try self.init(role: role, name: String(parts[1]))
        } catch {
            throw InvalidSPIFFEID(id: spiffeID, problem: error.description)
        }
    }

    /// The SPIFFE ID in a trust domain.
    public func spiffeID(trustDomain: String) -> String {
        "spiffe://\(trustDomain)/\(role.rawValue)/\(name)"
    }

    /// `ROLE/NAME`.
    public var description: String { "\(role.rawValue)/\(name)" }
}
