import Components

/// What a store refuses, in the words of the domain; ``StoreError/wire`` says it in those of gRPC.
enum StoreError: Error, Hashable, Sendable {
    /// Something else has that name.
    case alreadyExists(String)
    /// There is no such thing; the text says what was looked for.
    case notFound(String)
    /// It is in use; the text says by what and what to do.
    case inUse(String)
    /// A deployment has come to an end; the text says how.
    case deploymentOver(String)
    /// The request id belongs to another request.
    case requestIDReused
    /// Names of a definition that do not fit the registry.
    case invalidMembers([DefinitionProblem])
    /// Types or attributes of a thing that break the rules.
    case invalidFields([DefinitionProblem])
    /// The group has so many CAs in use that one more would make every discovery answer too long.
    case tooManyAuthorities(Int)
    /// There are as many as are kept; the text says of what and what to do.
    case limitReached(String)
    /// A recipe names artifacts that the cloud has not.
    case missingArtifacts([ArtifactReference])
    /// Secrets cannot be decrypted; the text says why and what to do.
    case secretsUnreadable(String)
    /// The disk is full or failed; nothing was changed.
    case storageFailed(String)
}
