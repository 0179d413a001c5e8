/// An expression whose names are resolved and whose types are known as far as they can be; arrays run along
/// ``SyntaxTree/nodes``.
struct CheckedTree {
    let tree: SyntaxTree
    var types: [ValueType]
    /// The values of parts that are the same at every evaluation.
    var constants: [Value?]
    var resolutions: [Resolution]
    /// The number of the variable that a macro or `cel.bind` makes.
    var locals: [SyntaxNode.ID: Int] = [:]
    var localTypes: [ValueType] = []
    var slots: [Slot] = []
    var hostCalls: [HostCall] = []
    var hostResults: [ValueType] = []
    /// The parameters of the overloads that a host call may mean, where only evaluation tells whether its
    /// arguments fit; empty where they do for sure.
    var hostParameters: [[[ValueType]]] = []

    init(_ tree: SyntaxTree) {
        self.tree = tree
        types = Array(repeating: .dyn, count: tree.nodes.count)
        constants = Array(repeating: nil, count: tree.nodes.count)
        resolutions = Array(repeating: .structural, count: tree.nodes.count)
    }
}
