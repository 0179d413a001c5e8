/// What a component may do with shadows, as its recipe says: `access: {shadows: read}` or `write`.
///
/// A transform has it for the shadows of the thing of its message; a program for those that its instance names.
public enum ShadowAccess: String, CaseIterable, Hashable, Comparable, Sendable, Codable {
    /// It may look at them.
    case read
    /// It may change them too.
    case write

    /// `read` is less than `write`.
    public static func < (first: ShadowAccess, second: ShadowAccess) -> Bool {
        first == .read && second == .write
    }
}
