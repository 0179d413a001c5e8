/// Something that a test waited for did not come.
public struct DidNotHappen: Error, CustomStringConvertible {
    /// What, and how long it was waited for.
    public let description: String

    /// Makes an error of something that did not come.
    public init(description: String) { self.description = description }
}

/// Looks again and again until a check gives a value, at most until the deadline.
///
/// - Parameters:
///   - what: what is waited for; in the error.
///   - within: the deadline; long, because it is only reached where the test fails.
///   - check: gives a value when it has happened.
/// - Throws: ``DidNotHappen``, or what the check throws.
public func eventually<Value: Sendable>(
    _ what: String, within: Duration = .seconds(60), _ check: () async throws -> Value?
) async throws -> Value {
    let deadline = ContinuousClock.now + within
    while true {
        if let value = try await check() { return value }
        guard ContinuousClock.now < deadline else {
            throw DidNotHappen(description: "within \(within) did not happen: \(what)")
        }
        try await Task.sleep(for: .milliseconds(10))
    }
}

/// Looks again and again until a condition holds, at most until the deadline.
public func eventually(
    _ what: String, within: Duration = .seconds(60), holds condition: () async throws -> Bool
) async throws {
    let _: Bool = try await eventually(what, within: within) { try await condition() ? true : nil }
}
