import Components
import Foundation
import HedgerowAPI
import Identity
import PKI
import RPCSupport
import SwiftProtobuf
import TestSupport
import Testing

@testable import Cloud

/// What the stores keep, and what they let go.
@Suite struct StoreTests {
    private struct Stores: Sendable {
        let registry: SQLiteRegistryStore
        let credentials: SQLiteCredentialStore
        let deployments: SQLiteDeploymentStore
    }

    private static let start = Date(timeIntervalSince1970: 1_800_000_000)

    private func withStores(_ body: @Sendable (Stores) async throws -> Void) async throws {
        try await withTemporaryDirectory { path in
            let database = try CloudDatabase(path: path + "/cloud.sqlite", logger: RunningCloud.logger)
            try await body(
                Stores(
                    registry: SQLiteRegistryStore(database: database),
                    credentials: SQLiteCredentialStore(database: database),
                    deployments: SQLiteDeploymentStore(database: database)))
        }
    }

    private func authority(_ number: Int, at time: Date) -> AuthorityRecord {
        AuthorityRecord(
            fingerprint: "f\(number)", kind: .group, group: "g", certificatePEM: "pem", notBefore: time,
            notAfter: time.adding(.days(400)), createTime: time, signing: true, liveUntil: nil)
    }

    private func makeGroup(_ stores: Stores) async throws {
        _ = try await stores.registry.createThing(
            ThingRecord(
                name: "c", kind: .core, attributes: [:], createTime: Self.start, lastSeenTime: nil, group: nil
            ),
            request: nil)
        _ = try await stores.registry.apply(
            GroupDefinition(name: "g", cores: ["c"]), at: Self.start, author: "ann",
            authority: authority(0, at: Self.start), dryRun: false)
    }

    private func certificate(_ serial: String, authority: String, until end: Date) throws -> CertificateRecord
    {
        CertificateRecord(
            serialNumber: serial, principal: try Principal(role: .core, name: "c"), usage: .server,
            authority: authority, keyFingerprint: "k", notBefore: Self.start, notAfter: end,
            issueTime: Self.start, revokeTime: nil)
    }

    @Test func anAuthorityIsKeptAsLongAsACertificateOfItMayBeInUse() async throws {
        try await withStores { stores in
            try await makeGroup(stores)
            let (day1, day90) = (Self.start.adding(.days(1)), Self.start.adding(.days(90)))
            try await stores.credentials.recordIssued(certificate("s0", authority: "f0", until: day90))
            #expect(
                try await stores.credentials.replaceGroupAuthority(
                    with: authority(1, at: day1), expected: "f0"))
            // Somebody was quicker: nothing happens.
            #expect(
                try await !stores.credentials.replaceGroupAuthority(
                    with: authority(9, at: day1), expected: "f0"))
            #expect(
                try await stores.credentials.replaceGroupAuthority(
                    with: authority(2, at: day1), expected: nil))

            let early = try await stores.credentials.prune(
                expiredBefore: day90.adding(.seconds(-1)), requestsBefore: Self.start)
            // f1 signed nothing, f0 is in use, f2 signs.
            #expect(early == ["f1"])
            let late = try await stores.credentials.prune(
                expiredBefore: day90.adding(.seconds(1)), requestsBefore: Self.start)
            #expect(late == ["f0"])
            #expect(try await stores.credentials.groupAuthorities(of: "g").map(\.fingerprint) == ["f2"])
        }
    }

    @Test func aGroupHasNoMoreAuthoritiesInUseThanADiscoveryAnswerHolds() async throws {
        try await withStores { stores in
            try await makeGroup(stores)
            let end = Self.start.adding(.days(90))
            for number in 1...SQLiteCredentialStore.maximumGroupAuthorities {
                try await stores.credentials.recordIssued(
                    certificate("s\(number)", authority: "f\(number - 1)", until: end))
                if number == SQLiteCredentialStore.maximumGroupAuthorities { break }
                _ = try await stores.credentials.replaceGroupAuthority(
                    with: authority(number, at: Self.start), expected: nil)
            }
            await #expect(throws: StoreError.tooManyAuthorities(256)) {
                try await stores.credentials.replaceGroupAuthority(
                    with: authority(999, at: Self.start), expected: nil)
            }
            // When they have expired there is room again.
            let later = authority(1_000, at: end.adding(.seconds(1)))
            #expect(try await stores.credentials.replaceGroupAuthority(with: later, expected: nil))
        }
    }

    @Test func oldDeploymentsGoButNotWhatACoreIsStillToDo() async throws {
        try await withStores { stores in
            try await makeGroup(stores)
            for number in 0..<5 {
                _ = try await stores.deployments.createDeployment(
                    NewDeployment(id: "d\(number)", group: "g", revision: 0, lock: []), request: nil,
                    at: Self.start)
            }
            try await stores.deployments.pruneDeployments(keeping: 2)
            let kept = try await stores.deployments.deployments(of: "g", before: .max, limit: 10)
            #expect(kept.map(\.id) == ["d4", "d3"])
            #expect(kept.map { $0.cores[0].stage } == [.pending, .canceled])
            try await stores.deployments.pruneDeployments(keeping: 0)
            let last = try await stores.deployments.deployments(of: "g", before: .max, limit: 10)
            #expect(last.map(\.id) == ["d4"])
        }
    }

    @Test func requestIDsAreForgottenAfterAWhile() async throws {
        try await withStores { stores in
            let thing = ThingRecord(
                name: "t", kind: .thing, attributes: [:], createTime: Self.start, lastSeenTime: nil,
                group: nil)
            let key = RequestKey(id: "r", digest: [1])
            _ = try await stores.registry.createThing(thing, request: key)
            _ = try await stores.registry.createThing(thing, request: key)
            await #expect(throws: StoreError.requestIDReused) {
                try await stores.registry.createThing(thing, request: RequestKey(id: "r", digest: [2]))
            }
            _ = try await stores.credentials.prune(
                expiredBefore: Self.start, requestsBefore: Self.start.adding(.seconds(1)))
            await #expect(
                throws: StoreError.alreadyExists("a thing or core named \"t\" is registered already")
            ) {
                try await stores.registry.createThing(thing, request: key)
            }
        }
    }

    @Test func aPageEndsBeforeItOutgrowsAMessage() throws {
        let big = Hedgerow_Registry_V1_Thing.with {
            $0.name = "x"
            $0.attributes = ["k": String(repeating: "v", count: 400_000)]
        }
        let page = Paging.page(Array(repeating: big, count: 10), size: 10)
        #expect(page.entries.count == 2)
        #expect(page.more)
        // One that is larger than a page is one.
        let huge = Hedgerow_Registry_V1_Thing.with { $0.name = String(repeating: "x", count: 2 << 20) }
        #expect(Paging.page([huge, huge], size: 10).entries.count == 1)
    }

    @Test func timesAndDurationsKeepTheirMilliseconds() {
        let time = Date(milliseconds: 1_800_000_000_123)
        #expect(time.milliseconds == 1_800_000_000_123)
        #expect(Date(milliseconds: -1_500).milliseconds == -1_500)
        let message = Google_Protobuf_Timestamp(time)
        #expect(message.seconds == 1_800_000_000 && message.nanos == 123_000_000)
        let before = Google_Protobuf_Timestamp(Date(milliseconds: -1_500))
        #expect(before.seconds == -2 && before.nanos == 500_000_000)
    }
}
