/// What a call is about, as far as authorisation goes.
public enum Resource: Hashable, Sendable, CustomStringConvertible {
    /// Nothing that has a name: a list, or the caller's own business.
    case none
    /// The thing of that name.
    case thing(String)
    /// The core of that name.
    case core(String)
    /// The group of that name.
    case group(String)

    /// The resource that a principal is itself; `none` for those that are no resource.
    public static func own(_ principal: Principal) -> Resource {
        switch principal.role {
        case .thing: .thing(principal.name)
        case .core: .core(principal.name)
        case .operator, .app: .none
        }
    }

    /// For people: `thing "NAME"`.
    public var description: String {
        switch self {
        case .none: "no resource"
        case .thing(let name): "thing \"\(name)\""
        case .core(let name): "core \"\(name)\""
        case .group(let name): "group \"\(name)\""
        }
    }
}
