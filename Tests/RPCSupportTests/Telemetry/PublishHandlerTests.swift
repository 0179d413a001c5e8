import Foundation
import GRPCCore
import GRPCInProcessTransport
import HedgerowAPI
import Messaging
import RPCSupport
import SwiftProtobuf
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(5))) struct PublishHandlerTests {
    typealias Client = Telemetry.Client<InProcessTransport.Client>

    /// What a publisher heard, and how it ended.
    struct Heard: Sendable {
        var responses: [PublishResponse] = []
        var error: RPCError?

        var acknowledged: UInt64 { responses.last?.acknowledgedSequence ?? 0 }
        var rejected: [Rejection] { responses.flatMap(\.rejected) }
    }

    /// Sends requests, half-closes, and listens to the end.
    private func publish(_ client: Client, _ requests: [PublishRequest]) async -> Heard {
        let heard = Mutex(Heard())
        do {
            try await client.publish(options: soon) { writer in
                for request in requests { try await writer.write(request) }
            } onResponse: { response in
                for try await message in response.messages { heard.withLock { $0.responses.append(message) } }
            }
        } catch {
            heard.withLock { $0.error = error as? RPCError }
        }
        return heard.withLock { $0 }
    }

    @Test func aPublisherResumesAfterWhatWasTaken() async throws {
        try await withHandlers { client, backend, _ in
            var request = opening()
            request.publications = [publication(1), publication(2, [1, 2, 3])]
            let first = await publish(client, [request])
            #expect(first.error == nil)
            #expect(first.responses.first?.resumeAfterSequence == 0)
            #expect(first.responses.first?.serverTime.seconds == 1)
            #expect(first.responses.allSatisfy { $0.level == .synced })
            #expect(first.acknowledged == 4)

            let second = await publish(
                client, [opening(3), .with { $0.publications = [publication(4), publication(5)] }])
            #expect(second.responses.first?.resumeAfterSequence == 4)
            #expect(second.responses.dropFirst().allSatisfy { !$0.hasResumeAfterSequence })
            #expect(second.acknowledged == 5)
            #expect(backend.state.withLock { $0.accepted } == [1, 2, 3, 4, 5])
            #expect(backend.state.withLock { $0.closed } == 2)
            #expect(backend.sessions.count == 0)
        }
    }

    @Test func acknowledgementsAreCumulativeAndNeverGoBack() async throws {
        try await withHandlers { client, backend, _ in
            let requests =
                [opening()]
                + (0..<200).map { number in .with { $0.publications = [publication(UInt64(number + 1))] } }
                + [.with { $0.publications = [publication(7)] }]
            let heard = await publish(client, requests)
            let acknowledged = heard.responses.map(\.acknowledgedSequence)
            #expect(acknowledged == acknowledged.sorted())
            #expect(heard.acknowledged == 200)
            #expect(backend.state.withLock { $0.accepted } == Array(1...200))
        }
    }

    @Test func whatIsRefusedForEverDoesNotStallWhatComesBehind() async throws {
        try await withHandlers { client, backend, _ in
            let count = 1_200
            var request = PublishRequest()
            request.publications = [publication(1)]
            // The topic comes back in the detail: together they would not fit one response.
            let topic = String(repeating: "x", count: 2_000) + "/#"
            request.publications += (0..<count).map { publication(UInt64($0 + 2), topic: topic) }
            request.publications += [publication(UInt64(count + 2)), publication(0, topic: "+")]
            let heard = await publish(client, [opening(), request])
            #expect(heard.error == nil)
            #expect(heard.acknowledged == UInt64(count + 2))
            #expect(heard.rejected.count == count + 1)
            #expect(heard.rejected.map(\.firstSequence) == (0..<count).map { UInt64($0 + 2) } + [0])
            for response in heard.responses {
                #expect(response.rejected.count <= 500)
                #expect(response.rejected.allSatisfy { $0.lastSequence <= response.acknowledgedSequence })
                #expect(
                    response.rejected.allSatisfy { $0.reason == .topicNotAllowed && $0.detail.count <= 500 })
            }
            #expect(backend.state.withLock { $0.accepted } == [1, UInt64(count + 2)])
        }
    }

    @Test func aPauseIsSaidAndTheServerGoesOnByItself() async throws {
        try await withHandlers { client, backend, _ in
            backend.state.withLock { $0.isFull = true }
            async let heard = publish(
                client, [opening(), .with { $0.publications = [publication(1), publication(2)] }])
            try await until { backend.state.withLock { $0.pauses } >= 2 }
            #expect(backend.state.withLock { $0.accepted }.isEmpty)
            backend.state.withLock { $0.isFull = false }
            let result = await heard
            #expect(result.error == nil)
            #expect(result.acknowledged == 2)
            let pause = result.responses.first(where: \.hasPaused)
            #expect(pause?.paused.reason == .queueFull)
            #expect(pause?.paused.retryAfter.nanos == 5_000_000)
            #expect(pause?.acknowledgedSequence == 0)
        }
    }

    @Test func aGapEndsTheSessionAfterAcknowledgingWhatCameBefore() async throws {
        try await withHandlers { client, backend, _ in
            let heard = await publish(
                client, [opening(), .with { $0.publications = [publication(1), publication(3)] }])
            #expect(heard.acknowledged == 1)
            #expect(heard.error?.code == .failedPrecondition)
            #expect(reason(heard.error) == .sequenceGap)
            #expect(backend.state.withLock { $0.accepted } == [1])
            // Declared as lost, the same is fine.
            let again = await publish(
                client,
                [
                    opening(),
                    .with {
                        $0.publications = [publication(3)]
                        $0.lost = [lost(2, 2)]
                    },
                ])
            #expect(again.error == nil)
            #expect(again.acknowledged == 3)
        }
    }

    @Test func requestsThatBreakTheRulesAreInvalid() async throws {
        try await withHandlers { client, backend, _ in
            for requests in [[PublishRequest()], [opening(), opening()], [opening(stream: "a b")]] {
                let heard = await publish(client, requests)
                #expect(heard.error?.code == .invalidArgument)
                #expect(reason(heard.error) == .invalidField)
            }
            try await until { backend.sessions.count == 0 }
            let nothing = await publish(client, [])
            #expect(nothing.error == nil)
            #expect(nothing.responses.isEmpty)
        }
    }

    @Test func aNewerSessionEndsTheOlderOne() async throws {
        try await withHandlers { client, backend, _ in
            let started = Mutex(false)
            async let older: RPCError? = failure {
                try await client.publish(options: soon) { writer in
                    try await writer.write(opening())
                    // Stays open until the server ends it.
                    while true {
                        try await Task.sleep(for: .milliseconds(5))
                        try await writer.write(PublishRequest())
                    }
                } onResponse: { response in
                    for try await _ in response.messages { started.withLock { $0 = true } }
                }
            }
            try await until { started.withLock { $0 } }
            let newer = await publish(
                client, [opening(epoch: 2), .with { $0.publications = [publication(1)] }])
            #expect(newer.acknowledged == 1)
            let error = await older
            #expect(error?.code == .aborted)
            #expect(reason(error) == .sessionSuperseded)
            try await until { backend.state.withLock { $0.closed } == 2 }
        }
    }

    @Test func aPublisherThatDoesNotReadItsAnswersIsNotBufferedFor() async throws {
        try await withHandlers { client, backend, _ in
            let written = Mutex(0)
            let mayRead = Mutex(false)
            let call = Task {
                try await client.publish { writer in
                    try await writer.write(opening())
                    for number in UInt64(1)...3_000 {
                        // Refused, so that every request is answered.
                        try await writer.write(.with { $0.publications = [publication(number, topic: "+")] })
                        written.withLock { $0 += 1 }
                    }
                } onResponse: { response in
                    while !mayRead.withLock({ $0 }) { try await Task.sleep(for: .milliseconds(5)) }
                    var rejected = 0
                    for try await message in response.messages { rejected += message.rejected.count }
                    return rejected
                }
            }
            try await until { written.withLock { $0 } > 0 }
            try await Task.sleep(for: .milliseconds(100))
            mayRead.withLock { $0 = true }
            #expect(try await call.value == 3_000)
            #expect(backend.state.withLock { $0.cursors[epoch(1)] } == 3_000)
        }
    }
}
