import Foundation
import GRPCCore
import HedgerowAPI
import RPCSupport
import SwiftProtobuf
import Synchronization
import TestSupport
import Testing

@testable import Cloud

/// Following shadows over real sockets.
@Suite(.timeLimit(.minutes(5))) struct ShadowWatchTests {
    typealias Request = Hedgerow_Shadow_V1_WatchShadowRequest

    @Test func theBeginningIsTheDocumentAndThenWhatHappens() async throws {
        try await ShadowFleet.run { fleet in
            try await fleet.update("t", #"{"state":{"reported":{"n":1}}}"#)
            try await fleet.follow(.with { $0.thing = "t" }) { follower in
                try await eventually("it is caught up", holds: { follower.events.contains { $0.caughtUp } })
                #expect(follower.told == ["current t 1", "caught up"])
                #expect(follower.events[0].document.contains(#""reported":{"n":1}"#))
                try await fleet.update("t", #"{"state":{"desired":{"n":2}}}"#)
                try await fleet.update("t", #"{"state":{}}"#, name: "named")
                try await fleet.update("u", #"{"state":{}}"#)
                _ = try await refusal { try await fleet.update("t", #"{"state":{},"version":9}"#) }
                try await fleet.delete("t")
                try await eventually("the deletion is told", holds: { follower.told.last == "deleted t 3" })
                #expect(
                    follower.told.filter { !$0.hasPrefix("rejected") } == [
                        "current t 1", "caught up", "accepted t 2", "delta t 2", "documents t 2",
                        "deleted t 3",
                    ])
                let rejected = try #require(follower.events.first { $0.kind == .rejected })
                #expect(rejected.document.contains(#""code":409"#))
                #expect(rejected.position.isEmpty)
                #expect(follower.events.first { $0.kind == .delta }?.document.contains(#""n":2"#) == true)
                #expect(
                    follower.events.first { $0.kind == .documents }?.document.contains("previous") == true)
            }
        }
    }

    @Test func onlyTheKindsThatAreAskedForAreTold() async throws {
        try await ShadowFleet.run { fleet in
            try await fleet.follow(
                .with {
                    $0.thing = "t"
                    $0.allNames = true
                    $0.kinds = [.delta, .deleted]
                }, as: fleet.thing
            ) { follower in
                try await eventually("it is caught up", holds: { follower.events.contains { $0.caughtUp } })
                try await fleet.update("t", #"{"state":{"reported":{"n":1}}}"#)
                try await fleet.update("t", #"{"state":{"desired":{"n":2}}}"#, name: "b")
                try await fleet.delete("t")
                try await eventually("the deletion is told", holds: { follower.told.last == "deleted t 2" })
                #expect(follower.told == ["caught up", "delta t~b 1", "deleted t 2"])
            }
        }
    }

    @Test func refusalsOfAWatch() async throws {
        try await ShadowFleet.run { fleet in
            func refused(_ request: Request, as identity: ClientIdentity? = nil) async throws
                -> HedgerowError?
            {
                try await refusal {
                    try await fleet.call(as: identity) { client in
                        try await client.watchShadow(request) { response in
                            for try await _ in response.messages {}
                        }
                    }
                }
            }
            let cases: [(ErrorReason, Request, ClientIdentity?)] = [
                (.notYourResource, .with { $0.thing = "u" }, fleet.thing),
                (.roleNotAllowed, .with { $0.thing = "t" }, fleet.core),
                (.notFound, .with { $0.thing = "nobody" }, nil),
                (
                    .invalidField,
                    .with {
                        $0.thing = "t"
                        $0.name = "a"
                        $0.allNames = true
                    }, nil
                ),
                (.invalidField, .with { $0.name = "a" }, nil),
                (
                    .invalidField,
                    .with {
                        $0.thing = "t"
                        $0.afterPosition = "nonsense"
                    }, nil
                ),
                (
                    .invalidField,
                    .with {
                        $0.thing = "t"
                        $0.allNames = true
                        $0.afterVersion = 1
                    }, nil
                ),
            ]
            for (index, (reason, request, identity)) in cases.enumerated() {
                let error = try await refused(request, as: identity)
                #expect(error?.reason == reason, "case \(index)")
            }
        }
    }

    @Test func aVersionIsWhereTheNextOneIsToldBehind() async throws {
        try await ShadowFleet.run { fleet in
            for number in 1...30 { try await fleet.update("t", #"{"state":{"reported":{"n":\#(number)}}}"#) }
            func told(after version: UInt64) async throws -> [String] {
                let told = Mutex<[String]>([])
                try await fleet.follow(
                    .with {
                        $0.thing = "t"
                        $0.afterVersion = version
                        $0.kinds = [.accepted]
                    }
                ) { follower in
                    try await eventually("it is caught up", holds: { follower.told.last == "caught up" })
                    told.withLock { $0 = follower.told }
                }
                return told.withLock { $0 }
            }
            #expect(try await told(after: 30) == ["caught up"])
            #expect(try await told(after: 28) == ["accepted t 29", "accepted t 30", "caught up"])
            // Not kept any more, and never there.
            #expect(try await told(after: 3) == ["skipped t 0", "current t 30", "caught up"])
            #expect(try await told(after: 99) == ["skipped t 0", "current t 30", "caught up"])
        }
    }

    /// Streams break at random events and go on at the position of the last one, while others write.
    @Test func aBrokenStreamGoesOnWithoutGapAndRepeat() async throws {
        let seed = UInt64.random(in: 0..<1 << 32)
        try await ShadowFleet.run { fleet in
            var random = SeededGenerator(seed: seed)
            let (writers, each) = (4, 30)
            let isDone = Flag()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    try await fleet.call { client in
                        try await withThrowingTaskGroup(of: Void.self) { inner in
                            for writer in 0..<writers {
                                inner.addTask {
                                    for number in 0..<each {
                                        _ = try await client.updateShadow(
                                            .with {
                                                $0.thing = writer % 2 == 0 ? "t" : "u"
                                                $0.name = writer < 2 ? "" : "n"
                                                $0.document =
                                                    #"{"state":{"desired":{"w\#(writer)":\#(number)}}}"#
                                            })
                                    }
                                }
                            }
                            try await inner.waitForAll()
                        }
                    }
                    isDone.set()
                }
                var events: [Hedgerow_Shadow_V1_WatchShadowResponse] = []
                var position = ""
                var rounds = 0
                while true {
                    let wasDone = isDone.isSet
                    let limit = Int.random(in: 1...40, using: &random)
                    let request = Request.with { $0.afterPosition = position }
                    let follower = ShadowFollower()
                    try await fleet.call { client in
                        try await withThrowingTaskGroup(of: Void.self) { one in
                            one.addTask { await follower.run(client, request, limit: limit) }
                            try await eventually("enough came") {
                                follower.events.count >= limit || follower.events.contains { $0.caughtUp }
                            }
                            one.cancelAll()
                            try await one.waitForAll()
                        }
                    }
                    let came = follower.events
                    events += came
                    position = came.last { !$0.position.isEmpty }?.position ?? position
                    rounds += 1
                    if wasDone, came.contains(where: \.caughtUp) { break }
                }
                try await group.waitForAll()
                #expect(rounds > 2, "seed \(seed)")
                var told: [String: [UInt64]] = [:]
                var seen: Set<String> = []
                for event in events where !event.caughtUp && event.kind != .skipped {
                    let key = "\(event.thing)/\(event.name)"
                    #expect(seen.insert("\(key) \(event.kind) \(event.version)").inserted, "seed \(seed)")
                    switch event.kind {
                    case .current, .accepted: told[key, default: []].append(event.version)
                    default: #expect(told[key]?.last == event.version, "seed \(seed)")
                    }
                }
                for (key, versions) in told {
                    // Where the reader was slower than the history is long, `current` takes the place of what is gone.
                    #expect(versions == versions.sorted(), "\(key), seed \(seed)")
                    #expect(versions.last == UInt64(each), "\(key), seed \(seed)")
                    let skips = events.count { $0.kind == .skipped }
                    if skips == 0 {
                        #expect(
                            Set(versions).count == Int(versions.last! - versions.first! + 1), "seed \(seed)")
                    }
                }
                #expect(told.count == writers, "seed \(seed)")
            }
        }
    }

    @Test func aShutdownEndsAStreamWithAReason() async throws {
        try await ShadowFleet.run { fleet in
            try await fleet.follow(.with { $0.thing = "t" }) { follower in
                try await eventually("it is caught up", holds: { follower.events.contains { $0.caughtUp } })
                await fleet.cloud.shutDown()
                #expect(try await follower.ending()?.reason == .shuttingDown)
            }
        }
    }

    @Test func aThingThatIsCutOffStopsFollowing() async throws {
        try await ShadowFleet.run { fleet in
            try await fleet.follow(.with { $0.thing = "t" }, as: fleet.thing) { follower in
                try await eventually("it is caught up", holds: { follower.events.contains { $0.caughtUp } })
                _ = try await fleet.cloud.call(as: fleet.admin) { client in
                    try await Registry(wrapping: client).revokeCertificates(
                        .with {
                            $0.role = .thing
                            $0.name = "t"
                        })
                }
                #expect(try await follower.ending()?.reason == .revoked)
            }
        }
    }
}
