/// An export that a stream is to have.
public struct ExportDeclaration: Hashable, Sendable {
    /// Name, unique in the stream; ``DurableStreams/cloudExport`` for the cloud.
    public let name: String
    /// Where it goes, in words of the caller's; empty for the cloud.
    public let target: [UInt8]

    /// The export to the cloud.
    public static let cloud = ExportDeclaration(name: DurableStreams.cloudExport, target: [])

    /// Makes a declaration.
    public init(name: String, target: [UInt8]) {
        self.name = name
        self.target = target
    }
}
