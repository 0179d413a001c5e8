/// What an instance of a group changes of its component's configuration.
///
/// First the places in ``reset`` go back to what the recipe says (and away where it says nothing), then ``merge``
/// is laid over: objects are merged member by member, everything else, lists included, takes the place of what was
/// there.
public struct ConfigurationUpdate: Hashable, Sendable, Codable {
    /// Most places of ``reset``.
    public static let maximumResets = 64

    /// What is laid over.
    public var merge: [String: ConfigurationValue]
    /// What goes back.
    public var reset: [JSONPointer]

    /// Makes an update; without anything it changes nothing.
    public init(merge: [String: ConfigurationValue] = [:], reset: [JSONPointer] = []) {
        self.merge = merge
        self.reset = reset
    }

    /// Whether it changes nothing.
    public var isEmpty: Bool { merge.isEmpty && reset.isEmpty }

    /// The same update in one spelling. An instance's configuration begins with the recipe's at every revision, so that
    /// what it resets is as it was before.
    public var canonical: ConfigurationUpdate { ConfigurationUpdate(merge: merge.mapValues(\.canonical)) }

    /// The configuration after the update.
    ///
    /// - Parameters:
    ///   - running: the configuration before it.
    ///   - defaults: what the recipe says.
    public func applied(
        to running: [String: ConfigurationValue], defaults: [String: ConfigurationValue]
    ) -> [String: ConfigurationValue] {
        var result = running
        for pointer in reset {
            if pointer.keys.isEmpty {
                result = defaults
            } else {
                Self.set(pointer.keys[...], in: &result, to: Self.value(at: pointer.keys[...], in: defaults))
            }
        }
        Self.merge(merge, into: &result)
        return result
    }

    /// The configuration of an instance: the recipe's with the update.
    public func applied(to defaults: [String: ConfigurationValue]) -> [String: ConfigurationValue] {
        applied(to: defaults, defaults: defaults)
    }

    private static func value(
        at keys: ArraySlice<String>, in members: [String: ConfigurationValue]
    ) -> ConfigurationValue? {
        guard var value = keys.first.flatMap({ members[$0] }) else { return nil }
        for key in keys.dropFirst() {
            guard let next = value.members?[key] else { return nil }
            value = next
        }
        return value
    }

    // The next two go as deep as what they are given; a file is read to 32 levels, a pointer has 1,024 bytes.

    private static func set(
        _ keys: ArraySlice<String>, in members: inout [String: ConfigurationValue],
        to value: ConfigurationValue?
    ) {
        guard let key = keys.first else { return }
        if keys.count == 1 {
            members[key] = value
            return
        }
        // Nothing lies below a value that is no object, so that there is nothing to take away.
        if value == nil, members[key]?.members == nil { return }
        var inner = members[key]?.members ?? [:]
        set(keys.dropFirst(), in: &inner, to: value)
        members[key] = .object(inner)
    }

    private static func merge(
        _ new: [String: ConfigurationValue], into members: inout [String: ConfigurationValue]
    ) {
        for (key, value) in new {
            if case .object(let inner) = value, case .object(var old) = members[key] {
                merge(inner, into: &old)
                members[key] = .object(old)
            } else {
                members[key] = value
            }
        }
    }
}
