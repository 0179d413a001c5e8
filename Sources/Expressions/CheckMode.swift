/// How strictly an expression is checked before evaluation.
public enum CheckMode: Hashable, Sendable {
    /// Names have to be declared and types have to fit; what is `dyn` is checked at evaluation.
    case typed
    /// Only the grammar: every type is `dyn`, and an unknown name or a wrong type is an error of the evaluation.
    case dynamic
}
