import Foundation
import HedgerowAPI
import SwiftProtobuf
import Synchronization
import TestSupport
import Testing

@testable import HedgerowCLI

@Suite("Watching shadows from the command line", .timeLimit(.minutes(5)))
struct ShadowWatchTests {
    private typealias Event = Hedgerow_Shadow_V1_WatchShadowResponse
    private typealias Kind = Hedgerow_Shadow_V1_ShadowEventKind

    private static func event(
        _ kind: Kind, _ version: UInt64, _ document: [String: Any], position: String
    ) -> Event {
        .with {
            $0.thing = "a"
            $0.kind = kind
            $0.version = version
            $0.document = FakeShadows.text(document)
            $0.position = position
        }
    }

    private static func state(_ number: Int) -> [String: Any] { ["state": ["desired": ["n": number]]] }

    /// The document as it is, an update, a break, a rejection, and the deletion.
    private static var scripts: [[Event]] {
        [
            [
                event(.current, 1, ["state": ["desired": ["n": 1], "delta": ["n": 1]]], position: "p1"),
                .with { $0.caughtUp = true },
                event(.documents, 2, ["previous": state(1), "current": state(2)], position: "p2"),
            ],
            [
                event(.rejected, 0, ["code": 409, "message": "the version is not 7"], position: ""),
                event(.deleted, 3, ["version": 3], position: "p3"),
            ],
        ]
    }

    @Test("shows each change as a diff, and goes on after a break where it broke")
    func goesOn() async throws {
        try await CommandTests().asOperator { person in
            person.cloud.state.withLock { $0.shadows.scripts = Self.scripts }
            let watched = await person.run("shadow", "watch", "a", "--count", "4")
            #expect(watched.status == 0, "\(watched.error)")
            #expect(
                watched.output == """
                    a  version 1  as it is now
                      desired.n: 1
                      ≠ n: desired 1, reported nothing
                    a  version 2  updated
                      ~ desired.n: 1 → 2
                    a  rejected: 409 the version is not 7
                    a  version 3  deleted

                    """)
            #expect(watched.error.contains("connecting again"))
            #expect(watched.error.hasSuffix("4 events\n"))
            let requests = person.cloud.state.withLock { $0.shadows.watches }
            #expect(requests.map(\.afterPosition) == ["", "p2"])
            #expect(requests.allSatisfy { $0.kinds == [.documents, .rejected, .deleted] && $0.thing == "a" })
        }
    }

    @Test("begins after a version, once, and has each event as a line of JSON")
    func json() async throws {
        try await CommandTests().asOperator { person in
            person.cloud.state.withLock { $0.shadows.scripts = Self.scripts }
            let watched = await person.run(
                "shadow", "watch", "a", "--after", "7", "--kind", "documents", "--count", "4", "-o", "json")
            #expect(watched.status == 0, "\(watched.error)")
            let events = try watched.output.split(separator: "\n").map {
                try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
            }
            #expect(events.map { $0["kind"] as? String } == ["current", "documents", "rejected", "deleted"])
            #expect(events.map { $0["position"] as? String } == ["p1", "p2", nil, "p3"])
            let requests = person.cloud.state.withLock { $0.shadows.watches }
            #expect(requests.map(\.afterVersion) == [7, 0])
            #expect(requests.map(\.kinds) == [[.documents], [.documents]])
        }
    }

    @Test("ends where nothing more is there, if it is told so")
    func ends() async throws {
        try await CommandTests().asOperator { person in
            person.cloud.state.withLock { $0.shadows.scripts = [Array(Self.scripts[0].prefix(2))] }
            let watched = await person.run("shadow", "watch", "--no-follow")
            #expect(watched.status == 0, "\(watched.error)")
            #expect(watched.output.hasPrefix("a  version 1  as it is now\n"))
            #expect(person.cloud.state.withLock { $0.shadows.watches.map(\.allNames) } == [true])
        }
    }
}
