import UnixSignals

/// Ends long commands on Ctrl-C (and on SIGTERM) in an orderly way.
enum Interruption {
    /// Runs `body` until it ends or the process is asked to end; nil in the latter case.
    static func run<Result: Sendable>(
        _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result? {
        try await withThrowingTaskGroup(of: Result?.self) { group in
            let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
            group.addTask { try await body() }
            group.addTask {
                for await _ in signals { return nil }
                // The sequence ends when its task is cancelled: the body has ended first.
                throw CancellationError()
            }
            defer { group.cancelAll() }
            guard let first = try await group.next() else { return nil }
            return first
        }
    }

    /// Runs `body` for at most so long; nil where it did not end by then.
    static func run<Result: Sendable>(
        for timeout: Duration, _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result? {
        try await withThrowingTaskGroup(of: Result?.self) { group in
            group.addTask { try await body() }
            group.addTask {
                try await Task.sleep(for: timeout)
                return nil
            }
            defer { group.cancelAll() }
            guard let first = try await group.next() else { return nil }
            return first
        }
    }
}
