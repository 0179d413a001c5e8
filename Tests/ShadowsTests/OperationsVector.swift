import Shadows
import TestSupport

/// Runs the steps of an `ops` line against a store in memory, and says the first that goes another way.
struct OperationsVector {
    private var shadows: [ShadowKey: StoredShadow] = [:]
    private var now: Int64 = 1_700_000_000_000_000
    private var generator = SeededGenerator(seed: 8)
    /// The cloud's, with the depth that the lines were written for.
    private let limits = ShadowLimits(documentBytes: 8_192, depth: 6)

    /// What one step answered and published.
    private struct Answer {
        var response: JSONValue = .null
        var error: ShadowError?
        var delta: JSONValue?
        var documents: JSONValue?
        var names: [String] = []
    }

    static func outcome(of line: JSONValue) -> VectorReport.Outcome {
        var vector = OperationsVector()
        for (index, step) in (line["steps"]?.elements ?? []).enumerated() {
            let answer = vector.run(step)
            guard let expect = step["expect"] else {
                if let error = answer.error { return .init(expected: "step \(index) done", got: "\(error)") }
                continue
            }
            if let difference = difference(answer, expect) {
                return .init(
                    expected: "step \(index): \(difference.0)", got: "step \(index): \(difference.1)")
            }
        }
        return .init(expected: "all steps", got: "all steps")
    }

    private mutating func run(_ step: JSONValue) -> Answer {
        now += 1_000_000
        do throws(ShadowError) {
            let key = try ShadowKey(thing: step["thing"]?.string ?? "", name: step["shadow"]?.string ?? "")
            let payload = step["payload_raw"]?.string ?? step["payload"]?.text ?? ""
            switch step["op"]?.string {
            case "get":
                let request = try ShadowRequest(parsing: payload.utf8)
                guard let document = shadows[key]?.document else { throw .noShadow(key) }
                return Answer(
                    response: JSONValue(document.getResponse(clientToken: request.clientToken, now: now)))
            case "update":
                let update = try ShadowUpdate(parsing: payload.utf8, limits: limits)
                let change = try ShadowRules.update(
                    shadows[key], update, now: now, limits: limits, newIncarnation: .random(using: &generator)
                )
                shadows[key] = change.after
                return Answer(
                    response: JSONValue(change.acceptedText), delta: change.deltaText.map { JSONValue($0) },
                    documents: change.documentsText.map { JSONValue($0) })
            case "delete":
                let request = try ShadowRequest(parsing: payload.utf8)
                let change = try ShadowRules.delete(
                    shadows[key], version: request.version, clientToken: request.clientToken, now: now,
                    key: key)
                shadows[key] = change.after
                return Answer(response: JSONValue(change.acceptedText))
            case "list":
                let named = shadows.filter {
                    $0.key.thing == key.thing && !$0.key.isClassic && !$0.value.isDeleted
                }
                return Answer(names: named.keys.sorted().map(\.name))
            default: throw ShadowError(.badRequest, "the line has an operation that is not known here")
            }
        } catch {
            return Answer(error: error)
        }
    }

    private static func difference(_ answer: Answer, _ expect: JSONValue) -> (String, String)? {
        if let wanted = expect["error"] {
            guard let error = answer.error else { return ("error \(wanted.text)", answer.response.text) }
            return difference(error, wanted)
        }
        if let error = answer.error { return ("no error", "\(error)") }
        if let wanted = expect["names_set"] {
            let names = JSONValue.array(answer.names.map(JSONValue.string))
            let sorted = (wanted.elements ?? []).compactMap(\.string).sorted().map(JSONValue.string)
            return JSONValue.array(sorted) == names ? nil : (wanted.text, names.text)
        }
        let version = answer.response["version"]?.integer ?? 0
        for (name, wanted) in (expect["publishes"]?.members ?? [:]).sorted(by: { $0.key < $1.key }) {
            let published = name == "delta" ? answer.delta : answer.documents
            guard wanted != .null else {
                if let published { return ("no \(name)", published.text) }
                continue
            }
            guard let published else { return ("\(name) \(wanted.text)", "none") }
            if let found = difference(published, wanted, version) { return found }
        }
        return difference(answer.response, expect, version)
    }

    private static func difference(_ error: ShadowError, _ wanted: JSONValue) -> (String, String)? {
        let got = "\(error.code.status) \(error.message)"
        if let code = wanted["code"]?.integer, code != error.code.status { return (wanted.text, got) }
        if let message = wanted["message"]?.string, message != error.message { return (wanted.text, got) }
        if let part = wanted["message_contains"]?.string,
            !error.message.lowercased().contains(part.lowercased())
        {
            return (wanted.text, got)
        }
        let names = [
            404: "ResourceNotFoundException", 409: "ConflictException", 400: "InvalidRequestException",
        ]
        if let name = wanted["aws_code"]?.string, names[error.code.status] != name {
            return (wanted.text, got)
        }
        return nil
    }

    /// Compares a document with what is said of it.
    private static func difference(
        _ document: JSONValue, _ expect: JSONValue, _ version: Int64
    ) -> (String, String)? {
        for (name, wanted) in (expect.members ?? [:]).sorted(by: { $0.key < $1.key }) {
            let holds: Bool
            switch name {
            case "publishes": continue
            case "has": holds = (wanted.elements ?? []).allSatisfy { document[$0.string ?? ""] != nil }
            case "lacks": holds = (wanted.elements ?? []).allSatisfy { document[$0.string ?? ""] == nil }
            case "state_contains": holds = document["state"]?.contains(wanted) == true
            case "metadata_shape": holds = shape(document["metadata"]).isSame(as: wanted)
            case "metadata_shape_contains": holds = shape(document["metadata"]).contains(wanted)
            case "metadata_paths":
                holds = (wanted.elements ?? []).allSatisfy { path in
                    (path.elements ?? []).reduce(document["metadata"]) { $0?[$1.string ?? ""] } != nil
                }
            case "metadata_keys":
                holds = (wanted.members ?? [:]).allSatisfy { section, keys in
                    Set(document["metadata"]?[section]?.members?.keys.map { $0 } ?? [])
                        == Set((keys.elements ?? []).compactMap(\.string))
                }
            case "version_greater_than": holds = version > wanted.integer ?? .max
            case "previous", "current":
                guard wanted != .null else {
                    holds = document[name] ?? .null == .null
                    break
                }
                if let inner = difference(document[name] ?? .null, wanted, version) { return inner }
                continue
            default:
                let resolved: JSONValue =
                    switch wanted.string {
                    case "$version": .integer(version)
                    case "$version-1": .integer(version - 1)
                    case "$timestamp": document["timestamp"]?.integer.map(JSONValue.integer) ?? .null
                    default: wanted
                    }
                holds = document[name]?.isSame(as: resolved) == true
            }
            if !holds { return ("\(name) \(wanted.text)", document.text) }
        }
        return nil
    }

    /// Metadata with `ts` in place of each time.
    private static func shape(_ metadata: JSONValue?) -> JSONValue {
        switch metadata {
        case .object(let members)?:
            if members.count == 1, case .integer? = members["timestamp"] { return .string("ts") }
            return .object(members.mapValues(shape))
        case .array(let elements)?: return .array(elements.map(shape))
        default: return metadata ?? .null
        }
    }
}
