import GRPCCore
import HedgerowAPI
import Synchronization

/// Counts the requests of each connection that are being answered.
public final class ShadowRequestGate: Sendable {
    /// Most requests of one connection at a time. Those that follow a shadow are not counted.
    public static let maximumPerConnection = 10

    private let counts = Mutex<[String: Int]>([:])

    /// Makes a gate that nobody stands in.
    public init() {}

    /// Runs a request, unless too many of its connection are being answered.
    ///
    /// - Throws: ``HedgerowError`` RESOURCE_EXHAUSTED `TOO_MANY_REQUESTS`, or what the request throws.
    public func run<Value: Sendable>(
        _ connection: String, _ body: () async throws -> Value
    ) async throws -> Value {
        try enter(connection)
        defer { leave(connection) }
        return try await body()
    }

    private func enter(_ connection: String) throws(HedgerowError) {
        let isIn = counts.withLock { counts in
            let count = counts[connection] ?? 0
            guard count < Self.maximumPerConnection else { return false }
            counts[connection] = count + 1
            return true
        }
        if !isIn { throw HedgerowError.tooManyShadowRequests }
    }

    private func leave(_ connection: String) {
        counts.withLock { counts in
            let count = (counts[connection] ?? 1) - 1
            counts[connection] = count > 0 ? count : nil
        }
    }
}
