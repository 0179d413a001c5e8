import Foundation
import GRDB
import GRPCCore
import HedgerowAPI
import PKI
import RPCSupport
import Shadows
import SwiftProtobuf
import Synchronization
import TestSupport
import Testing

@testable import Cloud

/// Who may sync, and what ends a sync.
@Suite(.timeLimit(.minutes(5))) struct ShadowSyncEndingTests {
    @Test func whoMaySync() async throws {
        let group = "{kind: Group, name: g, cores: [c, d], things: [t], shadows: {sync: ['*'], home: d}}"
        try await ShadowFleet.run { fleet in
            func refused(
                as identity: ClientIdentity? = nil,
                _ say: @Sendable @escaping (SyncingCore) -> Void
            ) async throws -> HedgerowError {
                let found = Mutex<HedgerowError?>(nil)
                try await fleet.sync(as: identity) { core in
                    say(core)
                    let error = try await core.endReason()
                    found.withLock { $0 = error }
                }
                return try #require(found.withLock { $0 })
            }
            let cases: [(ErrorReason, ClientIdentity?, @Sendable (SyncingCore) -> Void)] = [
                (.roleNotAllowed, fleet.thing, { $0.start() }),
                (.roleNotAllowed, fleet.admin, { $0.start() }),
                (.notYourResource, nil, { $0.start(core: "d") }),
                (.notDeployed, nil, { $0.start(group: "other") }),
                (.notDeployed, nil, { $0.start(revision: 9) }),
                (.invalidField, nil, { core in core.send { $0.takenChange = 1 } }),
                (
                    .invalidField, nil,
                    { core in
                        core.start()
                        core.start()
                    }
                ),
                (
                    .invalidField, nil,
                    { core in
                        core.start()
                        core.send { $0.takenChange = 9 }
                    }
                ),
                (
                    .invalidField, nil,
                    { core in
                        core.start()
                        core.send { $0.writes = .init(repeating: .init(), count: 101) }
                    }
                ),
                (
                    .invalidField, nil,
                    { core in
                        core.start()
                        core.send { $0.conflicts = .init(repeating: .init(), count: 101) }
                    }
                ),
            ]
            for (index, (reason, identity, say)) in cases.enumerated() {
                let error = try await refused(as: identity, say)
                #expect(error.reason == reason, "case \(index)")
            }
            // Another core is the home in the next revision; the one before stays what it was.
            try await fleet.cloud.apply(fleet.admin, group)
            let home = try await refused { $0.start(revision: 2) }
            #expect(home.reason == .shadowAtHomeCore)
            #expect(home.code == .failedPrecondition)
            #expect(home.details["core"] == "d")
            try await fleet.sync { core in
                core.start(revision: 1)
                _ = try await core.started()
            }
            // One that left the group gets in with no revision.
            try await fleet.cloud.apply(
                fleet.admin, "{kind: Group, name: g, cores: [d], things: [t], shadows: {sync: ['*']}}")
            let left = try await refused { $0.start(revision: 1) }
            #expect(left.reason == .notDeployed)
        }
    }

    @Test func aShutdownAndARevocationEndTheStream() async throws {
        try await ShadowFleet.run { fleet in
            try await fleet.sync { core in
                core.start()
                _ = try await core.started()
                _ = try await fleet.cloud.call(as: fleet.admin) { client in
                    try await Registry(wrapping: client).revokeCertificates(
                        .with {
                            $0.role = .core
                            $0.name = "c"
                        })
                }
                #expect(try await core.endReason().reason == .revoked)
            }
        }
        try await ShadowFleet.run { fleet in
            try await fleet.sync { core in
                core.start()
                _ = try await core.started()
                await fleet.cloud.shutDown()
                #expect(try await core.endReason().reason == .shuttingDown)
            }
        }
    }

    /// What an older stream has in its box when a newer one begins is not written any more.
    @Test func nothingOfASupersededStreamIsStored() async throws {
        try await ShadowFleet.run { fleet in
            let (held, release) = (Flag(), DispatchSemaphore(value: 0))
            try await fleet.sync { older in
                older.start()
                _ = try await older.started()
                let server = fleet.cloud.server
                server.context.database.pool.asyncWriteWithoutTransaction { _ in
                    held.set()
                    release.wait()
                }
                try await eventually("the database is held", holds: { held.isSet })
                older.send { request in
                    request.writes = [
                        .with {
                            $0.id = 1
                            $0.thing = "t"
                            $0.document = .init(StoredShadow.reporting(1))
                        }
                    ]
                }
                let newer = SyncingCore()
                try await fleet.call(as: fleet.core) { client in
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        group.addTask { await newer.run(client) }
                        defer { newer.hangUp() }
                        newer.start()
                        do {
                            // The newer one has taken the place, and cannot begin yet.
                            defer { release.signal() }
                            try await eventually("both follow", holds: { server.shadowStore.hub.count == 2 })
                        }
                        let ending = try await older.endReason()
                        #expect(ending.reason == .sessionSuperseded)
                        _ = try await newer.started()
                    }
                }
            }
            try await expectRefusal(.shadowNotFound) { try await fleet.get("t") }
        }
    }
}
