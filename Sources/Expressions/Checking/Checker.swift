/// Resolves names and overloads, finds types, computes what is constant, and collects every problem.
///
/// Chains of operators, selections and calls are followed in loops (``SyntaxTree/leftChild(of:)``); recursion
/// only goes into nested expressions, whose depth the parser has bounded.
struct Checker {
    let tree: SyntaxTree
    let declarations: Declarations
    /// The prefixes of names to try, the most specific first; the last is empty.
    let prefixes: [String]
    let mode: CheckMode
    /// The most names joined by dots that any declaration has; longer chains are selections for sure.
    let longestName: Int
    var result: CheckedTree
    var problems: [ExpressionProblem] = []
    /// Variables of the macros around, innermost last.
    var scopes: [(name: String, local: Int)] = []
    var slotNumbers: [Slot.Source: Int] = [:]
    /// What is known of the members of maps, by the node that selects the map.
    var shapes: [SyntaxNode.ID: RecordType] = [:]
    /// Bounds the work of computing constants, for the whole expression.
    var meter: Meter

    /// Checks an expression.
    ///
    /// - Throws: every problem found.
    static func check(
        _ tree: SyntaxTree, declarations: Declarations, container: String, mode: CheckMode,
        limits: ExpressionLimits
    ) throws(ExpressionErrors) -> CheckedTree {
        var checker = Checker(tree, declarations, container, mode, limits)
        checker.check(tree.root)
        if case .record(let record) = checker.result.types[tree.root] {
            checker.reportRecord(record, tree.root)
        }
        if !checker.problems.isEmpty { throw ExpressionErrors(checker.problems) }
        return checker.result
    }

    private init(
        _ tree: SyntaxTree, _ declarations: Declarations, _ container: String, _ mode: CheckMode,
        _ limits: ExpressionLimits
    ) {
        self.tree = tree
        self.declarations = declarations
        self.mode = mode
        var parts = container.split(separator: ".").map(String.init)
        var prefixes: [String] = []
        while !parts.isEmpty {
            prefixes.append(parts.joined(separator: ".") + ".")
            parts.removeLast()
        }
        self.prefixes = prefixes + [""]
        let names = Array(declarations.variables.keys) + Array(Builtins.typeNames.keys)
        longestName = names.map { $0.utf8.count { $0 == UInt8(ascii: ".") } + 1 }.max() ?? 1
        result = CheckedTree(tree)
        meter = Meter(limit: limits.maximumCost)
    }

    // MARK: Walking

    /// Checks a node and all below it.
    mutating func check(_ id: SyntaxNode.ID) {
        var pending: [SyntaxNode.ID] = []
        var current = id
        while true {
            if tree.nodes[current].nameCount > 0 {
                pending += resolveName(current)
                break
            }
            pending.append(current)
            if case .memberCall(let target, let function, _) = tree.nodes[current].kind,
                namespaced(target, function) != nil
            {
                break
            }
            guard let left = tree.leftChild(of: current) else { break }
            current = left
        }
        for node in pending.reversed() { visit(node) }
    }

    /// Checks a node whose left child is checked.
    private mutating func visit(_ id: SyntaxNode.ID) {
        let node = tree.nodes[id]
        switch node.kind {
        case .literal(let value):
            result.types[id] = value.staticType
            result.constants[id] = value
        case .name: break  // Done by resolveName.
        case .select(let operand, let field): select(id, operand, field)
        case .test(let operand, let field): test(id, operand, field)
        case .call(let name, let isRooted, let arguments):
            for argument in arguments { check(argument) }
            call(id, names: isRooted ? [name] : prefixes.map { $0 + name }, arguments, isMember: false)
        case .memberCall(let target, let name, let arguments):
            for argument in arguments { check(argument) }
            if let namespaced = namespaced(target, name) {
                call(id, names: [namespaced], arguments, isMember: false)
            } else {
                call(id, names: [name], [target] + arguments, isMember: true)
            }
        case .operation(let function, let operands):
            for operand in operands.dropFirst(operands.count == 2 ? 1 : 0) { check(operand) }
            operation(id, function, operands)
        case .and(let left, let right), .or(let left, let right):
            check(right)
            logic(id, left, right)
        case .conditional(let condition, let then, let otherwise):
            check(condition)
            check(then)
            check(otherwise)
            conditional(id, condition, then, otherwise)
        case .list(let elements):
            for element in elements { check(element) }
            list(id, elements)
        case .map(let entries):
            for entry in entries {
                check(entry.key)
                check(entry.value)
            }
            map(id, entries)
        case .comprehension(let comprehension): macro(id, comprehension)
        case .bind(let name, let value, let body):
            check(value)
            declareLocal(name, type(value), for: id)
            check(body)
            scopes.removeLast()
            result.types[id] = type(body)
        }
        // Without checked types, everything is known at evaluation only.
        if mode == .dynamic, case .record = result.types[id] {
        } else if mode == .dynamic {
            result.types[id] = .dyn
        }
    }

    /// Opens the scope of a variable that a node makes.
    mutating func declareLocal(_ name: String, _ type: ValueType, for id: SyntaxNode.ID) {
        let local = result.localTypes.count
        result.localTypes.append(type == .never ? .dyn : type)
        result.locals[id] = local
        scopes.append((name, local))
    }

    // MARK: Reporting

    mutating func report(_ span: SourceSpan, _ message: String) {
        problems.append(ExpressionProblem(span: span, message: message))
    }

    /// Reports what is a problem where types are checked, and fails at evaluation where they are not.
    mutating func refuse(
        _ id: SyntaxNode.ID, _ span: SourceSpan, _ message: String,
        _ kind: EvaluationError.Kind = .noSuchOverload
    ) {
        result.types[id] = .dyn
        if mode == .typed {
            report(span, message)
        } else {
            result.resolutions[id] = .failure(EvaluationError(kind: kind, message: message))
        }
    }

    mutating func reportRecord(_ record: RecordType, _ id: SyntaxNode.ID) {
        let example = record.fields.keys.min() ?? "temperature"
        refuse(
            id, tree.nodes[id].span,
            "'\(record.name)' is a record, not a value; name one of its fields, such as \(record.name).\(example)"
        )
    }

    /// The type of a checked node that is used as a value.
    mutating func type(_ id: SyntaxNode.ID) -> ValueType {
        if case .record(let record) = result.types[id] {
            reportRecord(record, id)
            return .dyn
        }
        return result.types[id]
    }

    func span(_ id: SyntaxNode.ID) -> SourceSpan { tree.nodes[id].span }
}
