import Expressions

/// The step `shadow` and the function `shadow()`.
extension TransformCompiler {
    mutating func change(_ step: ShadowStep, path: String, label: String, index: Int) {
        if !step.name.isEmpty, let problem = ShadowNameRule.problem(with: step.name) {
            add("\(path).name", problem)
        }
        require(.write, path: path, by: "the step shadow", span: nil)
        var entries: [CompiledShadow.Entry] = []
        var reportsReading = false
        switch step.report {
        case nil:
            if step.desire == nil {
                add(
                    path,
                    "shadow changes nothing; write report: {FIELD: EXPRESSION}, report: true for the reading as it is, "
                        + "or desire: {FIELD: EXPRESSION}")
            }
        case .reading?: reportsReading = true
        case .values(let values)?:
            entries += compile(values, of: "report", .reported, path: path, label: label)
        }
        if let desire = step.desire {
            entries += compile(desire, of: "desire", .desired, path: path, label: label)
        }
        lastEffect = index
        append(
            .shadow(
                CompiledShadow(
                    name: step.name, reportsReading: reportsReading, entries: entries, label: label)))
    }

    private mutating func compile(
        _ assignments: [ShadowAssignment], of word: String, _ section: ShadowPlace.Section, path: String,
        label: String
    ) -> [CompiledShadow.Entry] {
        let path = "\(path).\(word)"
        if assignments.isEmpty { add(path, "\(word) names nothing; write \(word): {FIELD: EXPRESSION}") }
        if assignments.count > TransformLimits.fields {
            add(path, "\(assignments.count) keys are too many; \(word) has at most \(TransformLimits.fields)")
            return []
        }
        var entries: [CompiledShadow.Entry] = []
        var keys: Set<String> = []
        for assignment in assignments {
            let entry = "\(path).\(assignment.key)"
            if let problem = Self.problem(withFieldName: assignment.key) { add(entry, problem) }
            if !keys.insert(assignment.key).inserted {
                add(entry, "\"\(assignment.key)\" is there twice; remove one")
            }
            guard
                let value = expression(
                    assignment.value, path: entry, label: "\(label) \(word) \(assignment.key)")
            else { continue }
            if let problem = Self.problem(withShadowType: value.expression.type) {
                add(entry, problem, span: Self.whole(assignment.value))
            }
            entries.append(
                CompiledShadow.Entry(
                    place: ShadowPlace(section: section, key: assignment.key), value: value))
        }
        return entries
    }

    /// What JSON has no value for.
    private static func problem(withShadowType type: ValueType) -> String? {
        switch type {
        case .double, .int, .uint, .bool, .string, .null, .dyn, .never: return nil
        case .list(let element): return problem(withShadowType: element)
        case .map(let key, let value):
            if key != .string, key != .dyn, key != .never {
                return "the keys of a map in a shadow are texts, but here they are of type \(key)"
            }
            return problem(withShadowType: value)
        case .timestamp, .duration, .type:
            return "a shadow takes JSON values, but this is of type \(type); write string(…)"
        case .bytes, .record: return "a shadow takes JSON values, but this is of type \(type)"
        }
    }

    // MARK: Access

    /// Checks a call of `shadow()`.
    mutating func checkShadow(_ call: HostCall, path: String) {
        let span = call.span.start..<call.span.end
        require(.read, path: path, by: call.function, span: span)
        guard let argument = call.argumentSpans.first.map({ $0.start..<$0.end }) else { return }
        if case .string(let name)?? = call.constantArguments.first {
            if let problem = ShadowNameRule.problem(with: name) { add(path, problem, span: argument) }
        } else {
            add(
                path, "the name of a shadow is a text in quotes, such as shadow('env'), and not computed",
                span: argument)
        }
    }

    private mutating func require(_ needed: ShadowAccess, path: String, by user: String, span: Range<Int>?) {
        usedShadows = max(usedShadows ?? needed, needed)
        if let shadows, shadows >= needed { return }
        add(
            path,
            "\(user) needs an access that the recipe does not name; "
                + (shadows == nil ? "add access: " : "write access: ") + "{shadows: \(needed.rawValue)}",
            span: span)
    }

    /// An access that nothing needs.
    mutating func checkUseOfShadows() {
        guard let shadows, shadows > usedShadows ?? .read || usedShadows == nil else { return }
        warn(
            "access.shadows",
            usedShadows == nil
                ? "no step and no expression uses shadows; remove \"shadows\" from access"
                : "no step changes shadows; write shadows: read")
    }
}
