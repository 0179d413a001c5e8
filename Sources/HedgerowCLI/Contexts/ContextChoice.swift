import PKI

/// The context that a command line is about.
struct ContextChoice: Sendable {
    /// What chose it.
    enum Origin: String, Sendable {
        case option = "--context"
        case variable = "HEDGEROW_CONTEXT"
        case current
    }

    let store: ContextStore
    let name: String
    let origin: Origin

    /// Where its identity is, or would be.
    var directory: IdentityDirectory { store.directory(of: name) }
}
