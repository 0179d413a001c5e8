/// Runs something for at most so long.
package enum Deadline {
    /// What the operation returned, nil where the time was up first; the operation is cancelled then and its
    /// end is waited for.
    package static func run<Value: Sendable>(
        _ limit: Duration, clock: any Clock<Duration>,
        _ operation: @escaping @Sendable () async throws -> Value
    ) async throws -> Value? {
        try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask { try await operation() }
            group.addTask {
                try await clock.sleep(for: limit)
                return nil
            }
            defer { group.cancelAll() }
            guard let first = try await group.next() else { return nil }
            return first
        }
    }
}
