import HedgerowAPI
import Messaging
import RPCSupport
import Shadows
import SwiftProtobuf
import TestSupport
import Testing

@testable import ThingClient

@Suite("Events of a thing's shadows", .timeLimit(.minutes(5)))
struct ThingShadowEventTests {
    private func run<R: Sendable>(
        _ servers: [FakeServer], buffer: Int = 8, _ body: (Thing) async throws -> R
    ) async throws -> R {
        var configuration = ThingConfiguration(state: "unused")
        configuration.backoff = Backoff(initial: .milliseconds(10), maximum: .milliseconds(50))
        configuration.connectTimeout = .seconds(20)
        configuration.commandBuffer = buffer
        let network = FakeNetwork(servers.map(\.target))
        return try await runScoped(try Thing(configuration: configuration, network: network), body: body)
    }

    private func document(_ number: Int) -> String { #"{"state":{"reported":{"n":\#(number)}}}"# }

    @Test func theyBeginWithTheDocumentAndGoOnWhereTheLineBroke() async throws {
        try await FakeServer.run(1) { servers in
            let service = servers[0].shadows
            service.change { $0.documents = [document(1), document(2)] }
            try await run(servers) { thing in
                var seen: [String] = []
                for try await event in try thing.shadow("env").events(.accepted) {
                    seen.append("\(event.kind) \(event.version)")
                    if event.version == 2 { service.change { $0.documents.append(document(3)) } }
                    if event.version == 3 {
                        service.change { $0.cuts += 1 }
                        try await eventually("watched again") { service.state.watches.count == 2 }
                        service.change { $0.documents += [document(4), document(5)] }
                    }
                    if event.version == 5 { break }
                }
                #expect(seen == ["current 2", "accepted 3", "accepted 4", "accepted 5"])
                #expect(service.state.watches.map(\.afterPosition) == ["", "core-0:3"])
                #expect(service.state.watches.allSatisfy { $0.name == "env" && $0.kinds == [.accepted] })
                try await eventually("nobody watches any more") { service.state.openWatches == 0 }
            }
        }
    }

    @Test func anotherServerIsAskedForItsDocumentNotForAPositionOfTheFirst() async throws {
        try await FakeServer.run(2) { servers in
            servers[0].shadows.change { $0.documents = [document(1)] }
            servers[1].shadows.change { $0.documents = [document(7), document(8)] }
            try await run(servers) { thing in
                var seen: [String] = []
                for try await event in try thing.shadowEvents() {
                    seen.append("\(event.core) \(event.kind) \(event.version)")
                    if seen.count == 1 { servers[0].stop() }
                    if seen.count == 2 { break }
                }
                #expect(seen == ["core-0 current 1", "core-1 current 2"])
                #expect(servers[1].shadows.state.watches.map(\.afterPosition) == [""])
                #expect(servers[1].shadows.state.watches.map(\.allNames) == [true])
            }
        }
    }

    @Test func aServerThatWasMadeAnewTellsItsDocument() async throws {
        try await FakeServer.run(1) { servers in
            let service = servers[0].shadows
            service.change { $0.documents = [document(1)] }
            try await run(servers) { thing in
                var kinds: [ThingShadowEvent.Kind] = []
                for try await event in try thing.shadow().events() {
                    kinds.append(event.kind)
                    if kinds.count == 1 {
                        service.change {
                            $0.forgetsPositions = true
                            $0.cuts += 1
                        }
                    }
                    if kinds.count == 2 { break }
                }
                #expect(kinds == [.current, .current])
                #expect(service.state.watches.map(\.afterPosition) == ["", "core-0:1", ""])
            }
        }
    }

    @Test func aShadowThatCannotBeWatchedEndsItsEvents() async throws {
        try await FakeServer.run(1) { servers in
            try await run(servers) { thing in
                var events = try thing.shadow("no name").events().makeAsyncIterator()
                let error = await #expect(throws: ThingError.self) { try await events.next() }
                guard case .shadowRefused(.invalidField, _)? = error else {
                    Issue.record("\(String(describing: error))")
                    return
                }
                #expect(servers[0].shadows.state.watches.count == 1)
            }
        }
    }

    @Test func aSlowReaderHoldsNoMoreThanItsBuffer() async throws {
        try await FakeServer.run(1) { servers in
            let service = servers[0].shadows
            try await run(servers, buffer: 2) { thing in
                let events = try thing.shadow().events()
                try await eventually("watched") { service.state.watches.count == 1 }
                service.change { $0.documents = (1...500).map(document) }
                var versions: [UInt64] = []
                for try await event in events {
                    versions.append(event.version)
                    if versions.count == 500 { break }
                }
                #expect(versions == Array(1...500))
            }
        }
    }

    @Test func theDeltaIsThatOfTheEventWhateverItsKind() throws {
        func delta(_ kind: Hedgerow_Shadow_V1_ShadowEventKind, _ document: String) throws -> [String:
            ShadowValue]?
        {
            try ThingShadowEvent(
                .with {
                    $0.kind = kind
                    $0.document = document
                }, core: "c")?.delta
        }
        let one: [String: ShadowValue] = ["a": .integer(1)]
        #expect(try delta(.delta, #"{"state":{"a":1},"version":3}"#) == one)
        #expect(try delta(.current, #"{"state":{"desired":{"a":1},"delta":{"a":1}}}"#) == one)
        #expect(try delta(.documents, #"{"current":{"state":{"delta":{"a":1}}}}"#) == one)
        #expect(try delta(.accepted, #"{"state":{"desired":{"a":1}}}"#) == [:])
        #expect(try delta(.unspecified, "") == nil)
        #expect(throws: ThingError.self) { try delta(.current, "no JSON") }
    }

    @Test func theEventsEndWithTheThingAndThereAreTenSequencesAtMost() async throws {
        try await FakeServer.run(1) { servers in
            let ended = try await run(servers) { thing in
                let all = try (0..<10).map { try thing.shadow("s\($0)").events() }
                #expect(throws: ThingError.self) { _ = try thing.shadow().events() }
                try await thing.waitUntilConnected()
                return try await withThrowingTaskGroup(of: Bool.self) { group in
                    group.addTask {
                        for try await _ in all[0] {}
                        return true
                    }
                    thing.close()
                    return try await group.next() ?? false
                }
            }
            #expect(ended)
        }
    }
}
