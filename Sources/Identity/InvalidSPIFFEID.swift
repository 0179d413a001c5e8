/// A SPIFFE ID that names no principal of this cloud.
public struct InvalidSPIFFEID: Error, Hashable, Sendable, CustomStringConvertible {
    /// The refused ID, cut at 300 characters.
    public let id: String
    /// What is wrong with it.
    public let description: String

    init(id: String, problem: String) {
        self.id = String(id.prefix(300))
        self.description = "SPIFFE ID \"\(self.id)\" \(problem)"
    }
}
