public import GRPCCore

/// Runs the body of a streaming handler and cancels its task when the call is over: the caller went away, its
/// deadline passed, the call was cut off, or the server shuts down gracefully.
///
/// grpc-swift never cancels a handler's task by itself; a streaming handler that does not use this (or
/// `context.cancellation`) keeps a server from shutting down.
///
/// The body gets to clean up: this returns when the body has ended.
///
/// - Parameters:
///   - context: of the call.
///   - body: what to do; runs in a child task.
/// - Returns: what the body returned, also where the call was over by then.
/// - Throws: what the body threw; ``HedgerowError`` UNAVAILABLE `SHUTTING_DOWN` in the place of a
///   `CancellationError`.
public func untilCancelled<Value: Sendable>(
    _ context: ServerContext, _ body: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    let cancellation = context.cancellation
    return try await withThrowingTaskGroup(of: Value?.self) { group in
        group.addTask { try await body() }
        group.addTask {
            // Throws only where this task is cancelled, which is as good an end.
            try? await cancellation.cancelled
            return nil
        }
        defer { group.cancelAll() }
        do {
            while let value = try await group.next() {
                if let value { return value }
                group.cancelAll()
            }
        } catch is CancellationError {
            throw HedgerowError.shuttingDown
        }
        throw HedgerowError.shuttingDown
    }
}
