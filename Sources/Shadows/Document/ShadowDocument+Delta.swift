extension ShadowDocument {
    /// What of `desired` is missing or different in `reported`, with the desired values; empty where nothing is.
    /// Arrays are compared whole, 1 equals 1.0.
    public var deltaState: [String: JSONValue] {
        guard let desired else { return [:] }
        return Self.delta(of: desired, against: reported ?? [:])
    }

    /// Whether `desired` has something that `reported` lacks or has differently.
    public var hasDelta: Bool {
        guard let desired else { return false }
        return Self.differs(desired, from: reported ?? [:])
    }

    /// The delta of two sections.
    ///
    /// - Parameters:
    ///   - desired: What should be.
    ///   - reported: What is.
    public static func delta(
        of desired: [String: JSONValue], against reported: [String: JSONValue]
    ) -> [String: JSONValue] {
        var result: [String: JSONValue] = [:]
        for (key, wanted) in desired {
            guard let found = reported[key] else {
                result[key] = wanted
                continue
            }
            if case .object(let wantedMembers) = wanted, case .object(let foundMembers) = found {
                let inner = delta(of: wantedMembers, against: foundMembers)
                if !inner.isEmpty { result[key] = .object(inner) }
            } else if !wanted.isSame(as: found) {
                result[key] = wanted
            }
        }
        return result
    }

    private static func differs(_ desired: [String: JSONValue], from reported: [String: JSONValue]) -> Bool {
        desired.contains { key, wanted in
            guard let found = reported[key] else { return true }
            if case .object(let wantedMembers) = wanted, case .object(let foundMembers) = found {
                return differs(wantedMembers, from: foundMembers)
            }
            return !wanted.isSame(as: found)
        }
    }

    /// The times of the delta: those of `desired`.
    func deltaTimes(of delta: [String: JSONValue]) -> [String: ShadowMetadata.Node] {
        ShadowMetadata.Node.fit(metadata.desired, to: delta, ShadowTime.seconds(updateTime))
    }
}
