public import PKI

/// Why bytes did not become an artifact.
public enum ArtifactFileError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The disk failed or is full.
    case file(FileFailure)
    /// All bytes came, and are others than the digest says.
    case otherDigest(expected: [UInt8], got: [UInt8])
    /// More bytes came than the size says.
    case tooLong(size: UInt64)
    /// Fewer bytes came than the size says.
    case incomplete(held: UInt64, size: UInt64)

    /// One sentence without a full stop.
    public var description: String {
        switch self {
        case .file(let failure): failure.description
        case .otherDigest(let expected, let got):
            "the bytes have the SHA-256 \(ArtifactDigest.text(got)), expected was \(ArtifactDigest.text(expected))"
        case .tooLong(let size): "more bytes came than the \(size) that were announced"
        case .incomplete(let held, let size): "\(held) of \(size) bytes came"
        }
    }
}
