/// A call of a host function within a compiled expression, for checks that only the embedder can make.
public struct HostCall: Hashable, Sendable {
    /// The function's name as declared.
    public let function: String
    /// The whole call in the source.
    public let span: SourceSpan
    /// Where each argument is in the source; for a member call the receiver first.
    public let argumentSpans: [SourceSpan]
    /// The value of each argument that is constant, such as `duration("8s")`; nil for the others.
    public let constantArguments: [Value?]
}
