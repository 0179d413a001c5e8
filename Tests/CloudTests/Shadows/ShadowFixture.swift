import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import HedgerowAPI
import PKI
import RPCSupport
import SwiftProtobuf
import Synchronization
import TestSupport
import Testing

@testable import Cloud

typealias ShadowClient = Hedgerow_Shadow_V1_ShadowService.Client<HTTP2ClientTransport.Posix>

/// A cloud with a group of one core and some things, whose shadows are synced.
struct ShadowFleet: Sendable {
    let cloud: RunningCloud
    let admin: ClientIdentity
    let core: ClientIdentity
    let thing: ClientIdentity
    let other: ClientIdentity

    static let group = "{kind: Group, name: g, cores: [c, d], things: [t, u], shadows: {sync: ['*']}}"

    static func run(
        group: String = Self.group, state: String? = nil,
        _ body: @Sendable @escaping (ShadowFleet) async throws -> Void
    ) async throws {
        try await withCloud { cloud in
            let admin = try await cloud.enrollOperator()
            let fleet = ShadowFleet(
                cloud: cloud, admin: admin, core: try await cloud.register(admin, .core, "c"),
                thing: try await cloud.register(admin, .thing, "t"),
                other: try await cloud.register(admin, .thing, "u"))
            _ = try await cloud.register(admin, .core, "d")
            _ = try await cloud.register(admin, .thing, "stranger")
            try await cloud.apply(admin, group)
            try await body(fleet)
        }
    }

    /// Calls with a connection of its own.
    func call<Value: Sendable>(
        as identity: ClientIdentity? = nil, _ body: @Sendable @escaping (ShadowClient) async throws -> Value
    ) async throws -> Value {
        try await cloud.call(as: identity ?? admin) { try await body(ShadowClient(wrapping: $0)) }
    }

    @discardableResult
    func update(
        _ thing: String, _ document: String, name: String = "", condition: String = "",
        as identity: ClientIdentity? = nil
    ) async throws -> Hedgerow_Shadow_V1_UpdateShadowResponse {
        try await call(as: identity) {
            try await $0.updateShadow(
                .with {
                    $0.thing = thing
                    $0.name = name
                    $0.document = document
                    $0.condition = condition
                })
        }
    }

    func get(
        _ thing: String, name: String = "", as identity: ClientIdentity? = nil
    ) async throws -> Hedgerow_Shadow_V1_GetShadowResponse {
        try await call(as: identity) {
            try await $0.getShadow(
                .with {
                    $0.thing = thing
                    $0.name = name
                })
        }
    }

    @discardableResult
    func delete(
        _ thing: String, name: String = "", version: UInt64 = 0, as identity: ClientIdentity? = nil
    ) async throws -> Hedgerow_Shadow_V1_DeleteShadowResponse {
        try await call(as: identity) {
            try await $0.deleteShadow(
                .with {
                    $0.thing = thing
                    $0.name = name
                    $0.version = version
                })
        }
    }
}

/// What a stream of events told, in the hands of a test.
final class ShadowFollower: Sendable {
    private struct State {
        var events: [Hedgerow_Shadow_V1_WatchShadowResponse] = []
        var ending: (any Error)?
        var isEnded = false
    }

    private let state = Mutex(State())

    init() {}

    /// Everything that came.
    var events: [Hedgerow_Shadow_V1_WatchShadowResponse] { state.withLock { $0.events } }

    /// What the stream ended with.
    func ending() async throws -> HedgerowError? {
        try await eventually("the stream ends", holds: { self.state.withLock { $0.isEnded } })
        return (state.withLock { $0.ending } as? RPCError).flatMap(HedgerowError.init)
    }

    /// Follows until the stream ends, or `limit` events came.
    func run(
        _ client: ShadowClient, _ request: Hedgerow_Shadow_V1_WatchShadowRequest, limit: Int = .max
    ) async {
        do {
            try await client.watchShadow(request) { response in
                for try await event in response.messages {
                    let count = self.state.withLock { state in
                        state.events.append(event)
                        return state.events.count
                    }
                    if count >= limit { break }
                }
            }
        } catch {
            state.withLock { $0.ending = error }
        }
        state.withLock { $0.isEnded = true }
    }

    /// Short forms: `accepted t 3`.
    var told: [String] { events.map(Self.text) }

    static func text(_ event: Hedgerow_Shadow_V1_WatchShadowResponse) -> String {
        if event.caughtUp { return "caught up" }
        let key = event.name.isEmpty ? event.thing : "\(event.thing)~\(event.name)"
        return "\(event.kind) \(key) \(event.version)"
    }
}

extension ShadowFleet {
    /// Follows while the body runs.
    func follow(
        _ request: Hedgerow_Shadow_V1_WatchShadowRequest, as identity: ClientIdentity? = nil,
        limit: Int = .max,
        _ body: @Sendable @escaping (ShadowFollower) async throws -> Void
    ) async throws {
        let follower = ShadowFollower()
        try await call(as: identity) { client in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await follower.run(client, request, limit: limit) }
                try await body(follower)
                group.cancelAll()
                try await group.waitForAll()
            }
        }
    }
}

extension CloudServer {
    /// Where shadows are kept.
    var shadowStore: CloudShadowStore { telemetry.shadows }
}

/// Expects that a call is refused for a reason.
///
/// The closure stands in no macro: within another closure, one in the arguments of `#expect` may be taken for another
/// one of the function.
func expectRefusal<Value>(
    _ reason: ErrorReason, sourceLocation: SourceLocation = #_sourceLocation,
    _ body: () async throws -> Value
) async throws {
    let error = try await refusal(body)
    #expect(error?.reason == reason, sourceLocation: sourceLocation)
}
