/// A macro that runs over the elements of a list or the keys of a map.
struct Comprehension {
    /// Which macro.
    enum Macro: String {
        case all
        case exists
        case existsOne = "exists_one"
        case map
        case filter
    }

    let macro: Macro
    let range: SyntaxNode.ID
    let variable: String
    /// What is tested for each element; nil for a `map` that takes every element.
    let predicate: SyntaxNode.ID?
    /// What `map` makes of each element; nil for the others.
    let transform: SyntaxNode.ID?
}
