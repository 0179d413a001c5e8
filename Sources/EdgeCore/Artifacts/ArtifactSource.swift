import FoundationEssentials

/// Where artifacts come from.
protocol ArtifactSource: Sendable {
    /// Streams the bytes of an artifact from an offset on to `take`, which is waited for: nothing is read ahead.
    ///
    /// - Throws: what the call throws, and what `take` throws.
    func stream(
        _ digest: [UInt8], from offset: UInt64, take: @escaping @Sendable (Data) async throws -> Void
    ) async throws
}
