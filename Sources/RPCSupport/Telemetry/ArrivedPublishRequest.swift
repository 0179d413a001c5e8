public import HedgerowAPI

/// A request of `Publish`, with the bytes that its batches came as: what nothing changes is stored and forwarded so.
public struct ArrivedPublishRequest: Sendable {
    /// The request.
    public let request: PublishRequest
    /// The batch of each publication, as it came; nil where it is no batch, or did not come in one piece. May be empty.
    let batches: [[UInt8]?]

    /// A request whose bytes are not known.
    public init(_ request: PublishRequest) {
        self.init(request, batches: [])
    }

    init(_ request: PublishRequest, batches: [[UInt8]?]) {
        self.request = request
        self.batches = batches.count == request.publications.count ? batches : []
    }

    /// The batch of a publication, as it came.
    func batch(at index: Int) -> [UInt8]? { batches.isEmpty ? nil : batches[index] }
}
