import Expressions
import Identity
import Messaging

/// Checks a definition and compiles it; collects everything that is wrong.
struct TransformCompiler {
    let definition: TransformDefinition
    let access: HostAccess
    let shadows: ShadowAccess?
    private(set) var problems: [TransformProblem] = []
    private(set) var warnings: [TransformProblem] = []
    private(set) var steps: [CompiledStep] = []
    private(set) var outputs: [TransformOutputDeclaration] = []
    private var schema: TransformSchema
    /// Index of the last step that sends something out.
    var lastEffect: Int?
    private var usedAccess: HostAccess = []
    var usedShadows: ShadowAccess?
    private var usedVariables: Set<String> = []
    private var usedConfiguration: Set<String> = []
    private var readVariables: Set<String> = []
    private var testedVariables: Set<String> = []
    /// Names bound so far, and the step (from 0) and path of each.
    private var bound: [String: (step: Int, path: String)] = [:]
    /// A suggestion compares with every name there is; more of them would make a bad recipe expensive.
    private var suggestions = 0
    private static let mostSuggestions = 20

    init(_ definition: TransformDefinition, access: HostAccess, shadows: ShadowAccess?) {
        self.definition = definition
        self.access = access
        self.shadows = shadows
        self.schema = TransformSchema(input: definition.input, configuration: definition.configuration)
    }

    /// Variables of the environment that are read and that no expression asks for.
    var neededEnvironment: [String] { readVariables.subtracting(testedVariables).sorted() }

    mutating func run() {
        checkInput()
        guard checkCounts() else { return }
        for (index, step) in definition.steps.enumerated() {
            if problems.count >= TransformLimits.problems { return }
            compile(step, at: index)
        }
        checkUse()
    }

    mutating func add(_ path: String, _ message: String, span: Range<Int>? = nil) {
        if problems.count < TransformLimits.problems {
            problems.append(TransformProblem(path: path, message: message, span: span))
        }
    }

    mutating func warn(_ path: String, _ message: String) {
        warnings.append(TransformProblem(path: path, message: message))
    }

    mutating func append(_ step: CompiledStep) { steps.append(step) }

    // MARK: The whole

    private mutating func checkInput() {
        guard let input = definition.input else { return }
        if input.count > TransformLimits.fields {
            add(
                "input", "\(input.count) fields are too many; a reading has at most \(TransformLimits.fields)"
            )
        }
        var names: Set<String> = []
        for field in input.prefix(TransformLimits.fields) {
            let path = "input.\(field.name)"
            if let problem = Self.problem(withFieldName: field.name) { add(path, problem) }
            if !names.insert(field.name).inserted {
                add(path, "\"\(field.name)\" is declared twice; remove one")
            }
            if let unit = field.unit, let problem = UnitRule.problem(with: unit) {
                add("\(path).unit", problem)
            }
        }
    }

    private mutating func checkCounts() -> Bool {
        let steps = definition.steps
        if steps.count > TransformLimits.steps {
            add(
                "transform",
                "\(steps.count) steps are too many; a transform has at most \(TransformLimits.steps)")
            return false
        }
        let publishes = steps.filter { if case .publish = $0 { true } else { false } }.count
        let changes = steps.filter { if case .shadow = $0 { true } else { false } }.count
        if changes > TransformLimits.shadowSteps {
            add(
                "transform",
                "\(changes) shadow steps are too many; a transform has at most \(TransformLimits.shadowSteps)"
            )
        }
        if publishes == 0, changes == 0 {
            add("transform", "nothing is published; add a step \"publish: TOPIC\"")
        } else if publishes > TransformLimits.publishes {
            add(
                "transform",
                "\(publishes) publish steps are too many; a transform has at most \(TransformLimits.publishes)"
            )
        }
        return true
    }

    /// What is there and does nothing.
    private mutating func checkUse() {
        let unused = access.subtracting(usedAccess)
        for name in unused.names {
            warnings.append(
                TransformProblem(
                    path: "access.host", message: "no expression uses \"\(name)\"; remove it from access"))
        }
        checkUseOfShadows()
        for name in definition.configuration.keys.sorted() where !usedConfiguration.contains(name) {
            warnings.append(
                TransformProblem(
                    path: "configuration.\(name)",
                    message: "no expression uses configuration \"\(name)\"; remove it or use it"))
        }
        for (name, place) in bound.sorted(by: { ($0.value.step, $0.key) < ($1.value.step, $1.key) })
        where !usedVariables.contains(name) {
            warnings.append(
                TransformProblem(path: place.path, message: "nothing uses \"\(name)\"; remove it or use it"))
        }
        if let last = lastEffect, last < definition.steps.count - 1 {
            warnings.append(
                TransformProblem(
                    path: "transform[\(last + 1)]",
                    message:
                        "the steps after the last \(definition.steps[last].keyword) do nothing; publish after them or "
                        + "remove them")
            )
        }
    }

    // MARK: Steps

    private mutating func compile(_ step: TransformStep, at index: Int) {
        let path = "transform[\(index)].\(step.keyword)"
        let label = "step \(index + 1), \(step.keyword)"
        switch step {
        case .filter(let condition):
            guard let compiled = expression(condition, path: path, label: label) else { return }
            if compiled.expression.type == .bool || compiled.expression.type == .dyn {
                steps.append(.filter(compiled))
            } else {
                add(
                    path,
                    "where needs true or false, but this is \(described(compiled.expression.type)); "
                        + "compare it with something",
                    span: Self.whole(condition))
            }
        case .bind(let bindings): bind(bindings, path: path, label: label, step: index)
        case .set(let assignments): assign(assignments, path: path, label: label)
        case .keep(let names):
            checkNames(names, path: path)
            steps.append(.keep(Set(names)))
            schema.keep(names)
        case .drop(let names):
            checkNames(names, path: path)
            steps.append(.drop(Set(names)))
            schema.drop(names)
        case .shadow(let change): self.change(change, path: path, label: label, index: index)
        case .publish(let topic): publish(topic, path: path, label: label, step: index)
        }
    }

    private mutating func bind(_ bindings: [LetBinding], path: String, label: String, step: Int) {
        if bindings.isEmpty { add(path, "let names nothing; write let: {NAME: EXPRESSION}") }
        if bound.count + bindings.count > TransformLimits.bindings {
            add(path, "a transform binds at most \(TransformLimits.bindings) names")
            return
        }
        var compiled: [(name: String, value: LabelledExpression)] = []
        for binding in bindings {
            let entry = "\(path).\(binding.name)"
            if let problem = problem(withBinding: binding.name) {
                add(entry, problem)
            } else {
                bound[binding.name] = (step, entry)
            }
            if let value = expression(binding.value, path: entry, label: "\(label) \(binding.name)") {
                compiled.append((binding.name, value))
            }
        }
        // A name whose expression is wrong is known all the same, so that its uses are no errors as well.
        for binding in bindings { schema.bind(binding.name, .dyn) }
        for (name, value) in compiled { schema.bind(name, value.expression.type) }
        steps.append(.bind(compiled))
    }

    private mutating func assign(_ assignments: [FieldAssignment], path: String, label: String) {
        if assignments.isEmpty { add(path, "set names nothing; write set: {FIELD: EXPRESSION}") }
        if assignments.count > TransformLimits.fields {
            add(
                path,
                "\(assignments.count) fields are too many; a reading has at most \(TransformLimits.fields)")
            return
        }
        var compiled: [CompiledAssignment] = []
        var types: [(field: String, type: ValueType)] = []
        var names: Set<String> = []
        for assignment in assignments {
            let entry = "\(path).\(assignment.field)"
            if let problem = Self.problem(withFieldName: assignment.field) { add(entry, problem) }
            if !names.insert(assignment.field).inserted {
                add(entry, "\"\(assignment.field)\" is set twice; remove one")
            }
            if let unit = assignment.unit, let problem = UnitRule.problem(with: unit) {
                add("\(entry).unit", problem)
            }
            guard let value = expression(assignment.value, path: entry, label: "\(label) \(assignment.field)")
            else {
                types.append((assignment.field, .dyn))
                continue
            }
            let type = value.expression.type
            if let problem = Self.problem(withFieldType: type) {
                add(entry, problem, span: Self.whole(assignment.value))
            }
            types.append((assignment.field, type))
            compiled.append(
                CompiledAssignment(field: assignment.field, value: value, unit: assignment.unit))
        }
        for (field, type) in types { schema.assign(field, type) }
        steps.append(.set(compiled))
    }

    private mutating func publish(_ topic: PublishTopic, path: String, label: String, step: Int) {
        let index = outputs.count
        lastEffect = step
        switch topic {
        case .literal(let text):
            do throws(InvalidTopic) {
                let topic = try Topic(text)
                if topic.isReserved {
                    add(path, "topics that begin with $ are reserved; publish on another topic")
                }
                outputs.append(TransformOutputDeclaration(index: index, step: step, topic: .literal(topic)))
                steps.append(
                    .publish(CompiledPublish(index: index, topic: .literal(text), label: label)))
            } catch {
                add(path, "\(error); publish on one topic")
            }
        case .computed(let source):
            outputs.append(TransformOutputDeclaration(index: index, step: step, topic: .computed))
            guard let compiled = expression(source, path: path, label: label) else { return }
            let type = compiled.expression.type
            if type == .string || type == .dyn {
                steps.append(
                    .publish(
                        CompiledPublish(index: index, topic: .computed(compiled), label: compiled.label)))
            } else {
                add(
                    path, "a topic is a text, but this is \(described(type)); use string(…)",
                    span: Self.whole(source))
            }
        }
    }

    // MARK: Expressions

    mutating func expression(
        _ text: ExpressionText, path: String, label: String
    ) -> LabelledExpression? {
        let label = text.line.map { "\(label) (line \($0))" } ?? label
        let compiled: CompiledExpression
        do throws(ExpressionErrors) {
            compiled = try CompiledExpression.compile(
                text.source, declarations: schema.declarations, limits: Self.limits)
        } catch {
            for problem in error.problems {
                add(path, problem.message, span: problem.span.start..<problem.span.end)
            }
            return nil
        }
        for slot in compiled.slots {
            switch slot.source {
            case .variable(let name): usedVariables.insert(name)
            case .field(ConfigurationRecord.configuration, let name): usedConfiguration.insert(name)
            case .field(ConfigurationRecord.environment, let name):
                if slot.isRead { readVariables.insert(name) }
                if slot.isTested { testedVariables.insert(name) }
            case .field: break
            }
        }
        for call in compiled.hostCalls { check(call, path: path) }
        return LabelledExpression(expression: compiled, label: Self.shortened(label))
    }

    /// Four of the longest texts may be read or made in one evaluation.
    private static let limits = ExpressionLimits(maximumCost: 4 * TransformLimits.textBytes)

    private mutating func check(_ call: HostCall, path: String) {
        if call.function == HostFunctions.shadow.name { return checkShadow(call, path: path) }
        let span = call.span.start..<call.span.end
        let needed = HostFunctions.access(for: call.function)
        usedAccess.formUnion(needed)
        if !access.isSuperset(of: needed) {
            let names = needed.names.joined(separator: ", ")
            add(
                path,
                "\(call.function) needs an access that the recipe does not name; add access: {host: [\(names)]}",
                span: span)
        }
        guard call.function == HostFunctions.cpuTemperature.name,
            case .duration(let duration)?? = call.constantArguments.first,
            let problem = HostFunctions.problem(withSpan: duration.duration)
        else { return }
        add(path, problem, span: call.argumentSpans.first.map { $0.start..<$0.end } ?? span)
    }

    static func whole(_ text: ExpressionText) -> Range<Int> { 0..<text.source.utf8.count }

    private func described(_ type: ValueType) -> String { "of type \(type)" }

    static func shortened(_ label: String) -> String {
        label.unicodeScalars.count <= 120 ? label : String(label.unicodeScalars.prefix(119)) + "…"
    }

    // MARK: Names and types

    private mutating func checkNames(_ names: [String], path: String) {
        if names.isEmpty { add(path, "the list is empty; name the fields") }
        if names.count > TransformLimits.fields {
            add(path, "\(names.count) fields are too many; a reading has at most \(TransformLimits.fields)")
        }
        var seen: Set<String> = []
        for (index, name) in names.prefix(TransformLimits.fields).enumerated() {
            let entry = "\(path)[\(index)]"
            if let problem = Self.problem(withFieldName: name) {
                add(entry, problem)
            } else if !seen.insert(name).inserted {
                add(entry, "\"\(name)\" is listed twice; remove one")
            } else if !schema.isOpen, schema.fields[name] == nil {
                let near = suggestion(for: name, in: schema.fields.keys.sorted())
                add(
                    entry,
                    "there is no field \"\(name)\" at this step; "
                        + (near.map { "did you mean \"\($0)\"?" } ?? "declare it in input, or remove it here")
                )
            }
        }
    }

    private mutating func suggestion(for name: String, in names: [String]) -> String? {
        suggestions += 1
        return suggestions > Self.mostSuggestions ? nil : Suggestion.nearest(to: name, in: names)
    }

    static func problem(withFieldName name: String) -> String? {
        if name.isEmpty { return "a field's name is empty; give it one" }
        if name.utf8.count > TransformLimits.fieldNameBytes {
            return
                "the field's name has \(name.utf8.count) bytes; at most \(TransformLimits.fieldNameBytes) are allowed"
        }
        let isPrintable = name.unicodeScalars.allSatisfy { scalar in
            scalar.value >= 0x20 && !(0x7F..<0xA0).contains(scalar.value)
        }
        return isPrintable ? nil : "the field's name has a control character; remove it"
    }

    /// What stands in expressions for something else, besides the variables.
    private static let reservedNames: Set<String> = [
        "true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if",
        "import", "let", "loop", "package", "namespace", "return", "var", "void", "while",
        "int", "uint", "double", "bool", "string", "bytes", "list", "map", "type", "null_type", "dyn",
        "math", "google", "strings", "cel", "has", "size", "timestamp", "duration",
    ]

    private func problem(withBinding name: String) -> String? {
        if !Identifier.isValid(name) || name.utf8.count > TransformLimits.fieldNameBytes {
            return
                "\"\(name.prefix(60))\" is no name for a value; a name has letters, digits and _, and no digit first"
        }
        let isTaken =
            name == TransformSchema.record || name == ConfigurationRecord.configuration
            || name == ConfigurationRecord.environment || name == HostFunctions.cpuTemperature.name
            || TransformSchema.variables.contains { $0.name == name } || Self.reservedNames.contains(name)
        if isTaken { return "\"\(name)\" means something else in expressions; choose another name" }
        if let earlier = bound[name] {
            return "\"\(name)\" is bound by step \(earlier.step + 1) already; choose another name"
        }
        return nil
    }

    private static func problem(withFieldType type: ValueType) -> String? {
        switch type {
        case .double, .int, .uint, .bool, .string, .null, .dyn: return nil
        case .timestamp, .duration, .type:
            return "a field takes double, int, bool or string, but this is of type \(type); write string(…)"
        default:
            return "a field takes double, int, bool or string, but this is of type \(type)"
        }
    }
}
