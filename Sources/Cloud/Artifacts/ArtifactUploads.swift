import GRPCCore
import HedgerowAPI
import RPCSupport
import Synchronization

/// The uploads that are under way: one for each digest, for each has one file that grows.
final class ArtifactUploads: Sendable {
    /// Most uploads at once.
    static let maximum = 64

    /// One upload that is under way.
    final class Claim: Sendable {
        let digest: [UInt8]
        let size: UInt64
        fileprivate let superseded = Announced<Void>()
        fileprivate let ended = Announced<Void>()

        fileprivate init(digest: [UInt8], size: UInt64) {
            self.digest = digest
            self.size = size
        }

        /// Runs the upload until it is done or another one takes its place.
        ///
        /// - Throws: what `body` throws; ABORTED `SESSION_SUPERSEDED`.
        func run<Value: Sendable>(
            _ body: @escaping @Sendable () async throws -> Value
        ) async throws -> Value {
            try await withThrowingTaskGroup(of: Value.self) { group in
                group.addTask { try await body() }
                group.addTask {
                    try await self.superseded.value()
                    throw HedgerowError(
                        .aborted, .sessionSuperseded,
                        "another upload of the same file has taken over; wait for it, or go on after it")
                }
                defer { group.cancelAll() }
                guard let value = try await group.next() else { throw CancellationError() }
                return value
            }
        }
    }

    private let claims = Mutex<[[UInt8]: Claim]>([:])

    /// Begins an upload; one of the same digest is ended before.
    ///
    /// - Throws: RESOURCE_EXHAUSTED `TOO_MANY_CALLS` where ``maximum`` are under way, `CancellationError`.
    func begin(_ digest: [UInt8], size: UInt64) async throws -> Claim {
        while true {
            let (claim, earlier) = try claims.withLock { claims throws(HedgerowError) -> (Claim?, Claim?) in
                if let earlier = claims[digest] { return (nil, earlier) }
                guard claims.count < Self.maximum else {
                    throw HedgerowError(
                        .resourceExhausted, .tooManyCalls,
                        "\(claims.count) uploads are under way, and no more are taken at once; try again",
                        retryAfter: .seconds(5))
                }
                let claim = Claim(digest: digest, size: size)
                claims[digest] = claim
                return (claim, nil)
            }
            if let claim { return claim }
            earlier?.superseded.announce(())
            try await earlier?.ended.value()
        }
    }

    /// Begins to work on a file that nobody uploads; nil where somebody does.
    func beginWhereIdle(_ digest: [UInt8]) -> Claim? {
        claims.withLock { claims in
            guard claims[digest] == nil, claims.count < Self.maximum else { return nil }
            let claim = Claim(digest: digest, size: 0)
            claims[digest] = claim
            return claim
        }
    }

    /// Ends an upload; its file is closed by now.
    func end(_ claim: Claim) {
        claims.withLock { if $0[claim.digest] === claim { $0[claim.digest] = nil } }
        claim.ended.announce(())
    }

    /// Whether a file is being uploaded.
    func isActive(_ digest: [UInt8]) -> Bool { claims.withLock { $0[digest] != nil } }

    /// Bytes that the files that are being uploaded will have, by digest.
    var sizes: [[UInt8]: UInt64] { claims.withLock { $0.mapValues(\.size) } }
}
