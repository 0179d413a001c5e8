import Expressions
import HedgerowAPI
import Messaging
import RPCSupport
import Shadows
import Transforms

/// Something that a message does to a shadow, worked out before anything is written.
struct ShadowEffect: Sendable {
    /// What is to be done.
    enum Action: Sendable {
        /// A request on a reserved topic, with its payload; it gets an answer.
        case request(ShadowTopic.Operation, [UInt8])
        /// Fields to be reported and desired.
        case change(reported: [String: JSONValue]?, desired: [String: JSONValue]?)
        /// Its author may not do it, and why. It gets no answer: that would come on the topic of somebody else's shadow.
        case refused(String)
    }

    /// Whose shadow.
    let thing: String
    /// Which of its shadows; empty for the classic one.
    let name: String
    /// What is to be done.
    let action: Action
    /// Who does it, as history says.
    let author: String
    /// The instance that does it; nil for a thing.
    var component: RunningComponent?

    /// What a batch that goes to the shadows does: on a reserved topic each message is a request, on any other one the
    /// newest value of every field is reported. The latter is one change: a shadow is what is newest.
    ///
    /// - Parameter allows: why the author may not use the shadows of a thing; nil where it may.
    static func of(
        _ batch: Batch, topic: Topic, thing: String, author: String, component: RunningComponent? = nil,
        allows: (_ thing: String) -> String?
    ) -> [ShadowEffect] {
        guard topic.isReserved, let reserved = ShadowTopic(topic) else {
            let fields = batch.newestFields
            guard !fields.isEmpty else { return [] }
            return [
                ShadowEffect(
                    thing: thing, name: "",
                    action: allows(thing).map { .refused($0) } ?? .change(reported: fields, desired: nil),
                    author: author, component: component)
            ]
        }
        func effect(_ action: Action) -> ShadowEffect {
            ShadowEffect(
                thing: reserved.thing, name: reserved.name, action: action, author: author,
                component: component)
        }
        guard reserved.outcome == nil else {
            return [effect(.refused("only shadows themselves publish on \"\(topic)\""))]
        }
        guard case .payloads(let payloads)? = batch.content else {
            return [
                effect(.refused("a request to a shadow is a payload with a JSON document, and no reading"))
            ]
        }
        if let refusal = allows(reserved.thing) { return [effect(.refused(refusal))] }
        return payloads.data.map { effect(.request(reserved.operation, [UInt8]($0))) }
    }
}

extension ShadowEffect {
    /// What a `shadow` step of a transform does.
    init(_ update: TransformResult.ShadowUpdate, thing: String, component: RunningComponent) {
        func section(_ values: [String: Value]) -> [String: JSONValue]? {
            values.isEmpty ? nil : values.compactMapValues { JSONValue($0) }
        }
        self.init(
            thing: thing, name: update.name,
            action: .change(reported: section(update.reported), desired: section(update.desired)),
            author: "component:\(component.instance)", component: component)
    }
}

extension Hedgerow_Type_V1_Batch {
    /// The newest value of each field that has one in any reading, as JSON has it; numbers that JSON has not are left out.
    fileprivate var newestFields: [String: JSONValue] {
        guard case .readings(let readings)? = content else { return [:] }
        var fields: [String: JSONValue] = [:]
        for column in readings.columns {
            let absent = Set(column.absentRows)
            guard let row = (0..<count).last(where: { !absent.contains(UInt32($0)) }) else { continue }
            if column.integerValues.indices.contains(row) {
                fields[column.name] = .integer(column.integerValues[row])
            } else if column.boolValues.indices.contains(row) {
                fields[column.name] = .bool(column.boolValues[row])
            } else if column.stringValues.indices.contains(row) {
                fields[column.name] = .string(column.stringValues[row])
            } else if column.doubleValues.indices.contains(row), column.doubleValues[row].isFinite {
                fields[column.name] = .number(column.doubleValues[row])
            }
        }
        return fields
    }
}
