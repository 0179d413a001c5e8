/// A checked request to change a shadow: a merge patch of its sections.
public struct ShadowUpdate: Hashable, Sendable {
    /// What becomes of one section.
    enum Section: Hashable, Sendable {
        /// It is not named.
        case untouched
        /// It is emptied.
        case cleared
        /// These keys change; null deletes.
        case patched([String: JSONValue])
    }

    /// The version that the shadow has to have; nil for any.
    public let version: UInt64?
    /// Comes back in the answers.
    public let clientToken: String?
    let desired: Section
    let reported: Section
    /// Whether `state` was null, which clears both sections.
    let clearsAll: Bool

    /// Parses the payload of an update: `{"state": {"desired", "reported"}, "version", "clientToken"}`.
    ///
    /// A `delta` in the state, and other members beside it, are ignored.
    ///
    /// - Parameters:
    ///   - payload: JSON in UTF-8.
    ///   - limits: Bounds; the size is counted when the update is applied.
    /// - Throws: ``ShadowError`` with 400, 413 or 415; with the token, where the payload has one.
    public init(parsing payload: some Sequence<UInt8>, limits: ShadowLimits) throws(ShadowError) {
        let bounds = JSONLimits(bytes: ShadowLimits.requestBytes, depth: limits.depth + 2)
        let object = try ShadowRequest.object(parsing: payload, limits: bounds, depth: limits.depth) ?? [:]
        let clientToken = try ShadowRequest.clientToken(object["clientToken"])
        do throws(ShadowError) {
            try self.init(object, clientToken, limits)
        } catch {
            var error = error
            error.clientToken = clientToken
            throw error
        }
    }

    /// Makes an update that reports fields.
    ///
    /// - Parameters:
    ///   - fields: What changes in `reported`; null deletes.
    ///   - limits: Bounds; the size is counted when the update is applied.
    /// - Throws: ``ShadowError`` with 400 where a field cannot be in a shadow.
    public init(
        reporting fields: [String: JSONValue], limits: ShadowLimits = .local
    ) throws(ShadowError) {
        try self.init(desired: nil, reported: fields, limits: limits)
    }

    /// Makes an update of sections.
    ///
    /// - Parameters:
    ///   - desired: What changes in `desired`; null deletes. Nil for nothing.
    ///   - reported: What changes in `reported`; null deletes. Nil for nothing.
    ///   - version: The version that the shadow has to have; nil for any.
    ///   - clientToken: Comes back in the answers.
    ///   - limits: Bounds; the size is counted when the update is applied.
    /// - Throws: ``ShadowError`` with 400 where a field cannot be in a shadow.
    public init(
        desired: [String: JSONValue]?, reported: [String: JSONValue]?, version: UInt64? = nil,
        clientToken: String? = nil, limits: ShadowLimits = .local
    ) throws(ShadowError) {
        self.version = version
        self.clientToken = clientToken
        self.desired = try Self.section(desired.map(JSONValue.object), "Desired", limits)
        self.reported = try Self.section(reported.map(JSONValue.object), "Reported", limits)
        clearsAll = false
    }

    private init(
        _ object: [String: JSONValue], _ clientToken: String?, _ limits: ShadowLimits
    ) throws(ShadowError) {
        self.clientToken = clientToken
        guard let state = object["state"] else {
            throw ShadowError(.badRequest, "Missing required node: state")
        }
        version = try ShadowRequest.version(object["version"], clientToken)
        if case .null = state {
            desired = .cleared
            reported = .cleared
            clearsAll = true
            return
        }
        guard case .object(let sections) = state else {
            throw ShadowError(.badRequest, "State node must be an object")
        }
        for key in sections.keys where key != "desired" && key != "reported" && key != "delta" {
            throw ShadowError(.badRequest, "State contains an invalid node: '\(key.prefix(64))'")
        }
        desired = try Self.section(sections["desired"], "Desired", limits)
        reported = try Self.section(sections["reported"], "Reported", limits)
        clearsAll = false
    }

    private static func section(
        _ value: JSONValue?, _ name: String, _ limits: ShadowLimits
    ) throws(ShadowError) -> Section {
        switch value {
        case nil: return .untouched
        case .null: return .cleared
        case .object(let patch)?:
            for (key, value) in patch { try check(value, at: key, level: 2, limits, isElement: false) }
            return .patched(patch)
        default: throw ShadowError(.badRequest, "\(name) node must be an object")
        }
    }

    /// - Parameter level: The level that a section's member has if it is an object or array.
    private static func check(
        _ value: JSONValue, at key: String, level: Int, _ limits: ShadowLimits, isElement: Bool
    ) throws(ShadowError) {
        switch value {
        case .null:
            if isElement {
                throw ShadowError(.badRequest, "State contains an array with null: '\(key.prefix(64))'")
            }
        case .number(let number):
            if !number.isFinite {
                throw ShadowError(
                    .badRequest, "State contains a number that JSON does not know: '\(key.prefix(64))'")
            }
        case .array(let elements):
            try checkLevel(level, limits)
            for element in elements { try check(element, at: key, level: level + 1, limits, isElement: true) }
        case .object(let members):
            try checkLevel(level, limits)
            for (key, member) in members {
                try check(member, at: key, level: level + 1, limits, isElement: false)
            }
        default: break
        }
    }

    private static func checkLevel(_ level: Int, _ limits: ShadowLimits) throws(ShadowError) {
        if level > limits.depth {
            throw ShadowError(
                .badRequest, "JSON contains too many levels of nesting; maximum is \(limits.depth)")
        }
    }
}
