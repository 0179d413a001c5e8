import Components
import FoundationEssentials

/// Knows which artifacts there are and who names them. The files are ``ArtifactVault``'s.
///
/// Every function is one transaction, and one is made after the other, the files that they touch included: so a file
/// never goes while somebody registers a recipe that names it.
protocol ArtifactIndex: Sendable {
    /// One artifact, nil where there is none.
    func artifact(_ digest: [UInt8]) async throws -> ArtifactRecord?

    /// Artifacts after a digest, by digest.
    ///
    /// - Parameter prefix: lower-case hexadecimal digits that the digest begins with.
    func artifacts(after digest: [UInt8], prefix: String, limit: Int) async throws -> [ArtifactRecord]

    /// Bytes of all artifacts.
    func totalBytes() async throws -> UInt64

    /// Adds an artifact, or makes an older one new.
    ///
    /// - Parameter publish: gives the file its place; where it throws, nothing is added. Blocks.
    /// - Returns: what is stored then.
    func add(_ artifact: ArtifactRecord, publish: @escaping @Sendable () throws -> Void) async throws
        -> ArtifactRecord

    /// Notes that somebody means to use an artifact, which keeps it for the grace period.
    func touch(_ digest: [UInt8], at time: Date) async throws

    /// Forgets an artifact whose file is damaged, and removes the file.
    ///
    /// - Parameter remove: removes the file. Blocks.
    func forget(_ digest: [UInt8], remove: @escaping @Sendable () throws -> Void) async throws

    /// Forgets what no component version names and nobody used since a time.
    ///
    /// - Returns: what was forgotten; the files are still there.
    func forgetUnused(since time: Date) async throws -> [[UInt8]]

    /// Removes the file of a digest, unless an artifact of it is there (again).
    ///
    /// - Parameter remove: removes the file. Blocks.
    /// - Returns: whether it was removed.
    @discardableResult
    func removeUnlessStored(
        _ digest: [UInt8], remove: @escaping @Sendable () throws -> Void
    ) async throws -> Bool

    /// Which of some artifacts are not there, or are there with another size.
    func missing(_ references: [ArtifactReference]) async throws -> [ArtifactReference]

    /// Whether a core was ever told to run a component version that names an artifact.
    func mayDownload(_ digest: [UInt8], core: String) async throws -> Bool
}
