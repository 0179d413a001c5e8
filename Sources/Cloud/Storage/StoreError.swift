import Components

/// What a store refuses, in the words of the domain; ``StoreError/wire`` says it in those of gRPC.
enum StoreError: Error, Hashable, Sendable {
    /// Something else has that name.
    case alreadyExists(String)
    /// There is no such thing; the text says what was looked for.
    case notFound(String)
    /// It is in use; the text says by what and what to do.
    case inUse(String)
    /// The request id belongs to another request.
    case requestIDReused
    /// Names of a definition that do not fit the registry.
    case invalidMembers([MemberProblem])
    /// The group has so many CAs in use that one more would make every discovery answer too long.
    case tooManyAuthorities(Int)
    /// There are as many as are kept; the text says of what and what to do.
    case limitReached(String)
    /// A recipe names artifacts that the cloud has not.
    case missingArtifacts([ArtifactReference])
    /// The disk is full or failed; nothing was changed.
    case storageFailed(String)

    /// One name of a group definition that does not fit the registry.
    struct MemberProblem: Hashable, Sendable {
        /// Where in the definition: `cores[0]`.
        let path: String
        /// What is wrong and what to do.
        let message: String
    }
}
