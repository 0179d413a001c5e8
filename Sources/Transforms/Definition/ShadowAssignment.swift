/// One entry of a `shadow` step: a key of the shadow and its value, where null removes the key.
public struct ShadowAssignment: Hashable, Sendable {
    /// The key.
    public var key: String
    /// Its value.
    public var value: ExpressionText

    /// Makes an entry.
    public init(key: String, value: ExpressionText) {
        self.key = key
        self.value = value
    }
}
