import GRPCCore
import HedgerowAPI
import Identity
import Messaging
import Testing

@testable import RPCSupport

@Suite struct PublishRatesTests {
    let thing: Principal
    let now = ContinuousClock.now

    init() throws { thing = try Principal(role: .thing, name: "a") }

    @Test func whatAQuietThingSavedUpIsTakenAtOnceAndTheRestAtItsRate() throws {
        let rates = PublishRates(messagesPerSecond: 100)
        // A second's worth, and then each waits for the one before it.
        for _ in 0..<10 { #expect(try rates.wait(thing, messages: 10, bytes: 0, now: now) == .zero) }
        #expect(try rates.wait(thing, messages: 10, bytes: 0, now: now) == .zero)
        #expect(try rates.wait(thing, messages: 10, bytes: 0, now: now) == .milliseconds(100))
        #expect(try rates.wait(thing, messages: 10, bytes: 0, now: now) == .milliseconds(200))
        // Time pays.
        #expect(try rates.wait(thing, messages: 10, bytes: 0, now: now + .seconds(2)) == .zero)
    }

    @Test func bytesAreCountedLikeMessagesAndTheScarcerOneDecides() throws {
        let rates = PublishRates(messagesPerSecond: 1_000_000, bytesPerSecond: 1_000)
        #expect(try rates.wait(thing, messages: 1, bytes: 5_000, now: now) == .zero)
        #expect(try rates.wait(thing, messages: 1, bytes: 1, now: now) == .seconds(4))
    }

    @Test func oneThingsDebtIsNotAnothers() throws {
        let rates = PublishRates(messagesPerSecond: 1)
        #expect(try rates.wait(thing, messages: 20, bytes: 0, now: now) == .zero)
        #expect(try rates.wait(thing, messages: 1, bytes: 0, now: now) == .seconds(19))
        #expect(try rates.wait(Principal(role: .thing, name: "b"), messages: 1, bytes: 0, now: now) == .zero)
    }

    @Test func aDebtThatTakesTooLongIsRefusedWithTheTimeToWaitAndNotEntered() throws {
        let rates = PublishRates(messagesPerSecond: 10)
        #expect(try rates.wait(thing, messages: 1_000, bytes: 0, now: now) == .zero)
        for _ in 0..<3 {
            let error = #expect(throws: HedgerowError.self) {
                try rates.wait(thing, messages: 1, bytes: 0, now: now)
            }
            #expect(error?.code == .resourceExhausted && error?.reason == .rateLimited)
            #expect(error?.retryAfter == .seconds(99))
        }
        #expect(try rates.wait(thing, messages: 1, bytes: 0, now: now + .seconds(99)) == .zero)
    }

    @Test func accountsThatAreFullAreForgottenWhenThereAreMany() throws {
        let rates = PublishRates(messagesPerSecond: 10)
        for number in 0..<PublishRates.sweepAt {
            let other = try Principal(role: .thing, name: "t-\(number)")
            _ = try rates.wait(other, messages: number == 0 ? 100 : 1, bytes: 0, now: now)
        }
        _ = try rates.wait(thing, messages: 1, bytes: 0, now: now + .seconds(5))
        // The one in debt, and the new one.
        #expect(rates.accountCount == 2)
    }

    @Test func nobodyButThingsHasARate() async throws {
        let rates = PublishRates(messagesPerSecond: 1)
        let loss = IngestItem.lost(
            IncomingLoss(positions: try #require(.init(1, 1)), reason: .expired, origins: []))
        for _ in 0..<100 {
            try await rates.admit(Principal(role: .core, name: "a"), Array(repeating: loss, count: 1_000))
        }
        #expect(rates.accountCount == 0)
    }
}
