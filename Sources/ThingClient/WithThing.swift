/// Runs a thing for as long as `body` runs, then flushes.
///
/// ```swift
/// try await withThing(token: "bme680-1.token") { thing in
///     try await thing.publish("bme680/readings", ["temperature": 21.4])
/// }
/// ```
///
/// When `body` returns, everything that it published is acknowledged when this returns, or this throws. When
/// `body` throws, what is still buffered is given up.
///
/// - Parameters:
///   - configuration: How the thing finds its cloud.
///   - isolation: Where `body` runs: the caller's actor.
///   - body: Uses the thing.
/// - Returns: What `body` returned.
/// - Throws: What `body`, ``Thing/init(configuration:)``, ``Thing/run()`` and ``Thing/flush(timeout:)`` throw.
@discardableResult
public func withThing<Result: Sendable>(
    _ configuration: ThingConfiguration, isolation: isolated (any Actor)? = #isolation,
    body: (Thing) async throws -> Result
) async throws -> Result {
    let thing = try Thing(configuration: configuration)
    return try await runScoped(thing, isolation: isolation, body: body)
}

/// Runs a thing from its token file; see ``withThing(_:isolation:body:)``.
///
/// - Parameters:
///   - token: Path of the token file.
///   - state: State directory, nil for the default.
///   - isolation: Where `body` runs: the caller's actor.
///   - body: Uses the thing.
@discardableResult
public func withThing<Result: Sendable>(
    token: String, state: String? = nil, isolation: isolated (any Actor)? = #isolation,
    body: (Thing) async throws -> Result
) async throws -> Result {
    try await withThing(ThingConfiguration(token: token, state: state), isolation: isolation, body: body)
}

@discardableResult
func runScoped<Result: Sendable>(
    _ thing: Thing, isolation: isolated (any Actor)? = #isolation, body: (Thing) async throws -> Result
) async throws -> Result {
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await thing.run() }
        // Leaving the closure with an error cancels the run.
        let result = try await body(thing)
        try await thing.flush()
        thing.close()
        try await group.waitForAll()
        return result
    }
}
