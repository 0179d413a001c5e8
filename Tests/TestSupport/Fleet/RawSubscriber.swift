import FoundationEssentials
public import GRPCCore
public import GRPCNIOTransportHTTP2Posix
public import HedgerowAPI
public import RPCSupport
import SwiftProtobuf
import Synchronization

/// A subscribe stream in the hands of a test: it decides about every credit and every acknowledgement.
public final class RawSubscriber: Sendable {
    private struct State {
        var deliveries: [Hedgerow_Telemetry_V1_Delivery] = []
        var dropped: UInt64 = 0
        var end: Result<Void, any Error>?
    }

    private let state = Mutex(State())
    private let requests: AsyncStream<Hedgerow_Telemetry_V1_SubscribeRequest>
    private let outgoing: AsyncStream<Hedgerow_Telemetry_V1_SubscribeRequest>.Continuation

    init() {
        (requests, outgoing) = AsyncStream.makeStream()
    }

    /// Sends a request as it is.
    public func send(_ request: Hedgerow_Telemetry_V1_SubscribeRequest) { outgoing.yield(request) }

    /// Gives leave for so many more messages.
    public func addCredit(_ count: Int) { send(.with { $0.addCredit = UInt32(count) }) }

    /// Says that these are dealt with.
    public func acknowledge(_ ids: [UInt64]) { send(.with { $0.acknowledgedDeliveryIds = ids }) }

    /// Everything that came.
    public var deliveries: [Hedgerow_Telemetry_V1_Delivery] { state.withLock { $0.deliveries } }

    /// The messages that came.
    public var records: [MessageRecord] { deliveries.map(\.record) }

    /// How many the server said were dropped.
    public var dropped: UInt64 { state.withLock { $0.dropped } }

    /// How the stream ended; nil while it goes on.
    public var end: Result<Void, any Error>? { state.withLock { $0.end } }

    /// Waits until so many messages came.
    @discardableResult
    public func received(_ count: Int, within: Duration = .seconds(30)) async throws -> [MessageRecord] {
        do {
            return try await eventually("\(count) messages arrive", within: within) {
                let records = self.records
                if records.count >= count { return records }
                if let end = self.end { try end.get() }
                return nil
            }
        } catch let error as DidNotHappen {
            throw DidNotHappen(description: "\(error) (\(records.count) did)")
        }
    }

    /// Waits until the stream ends with an error of ours.
    public func refusal(within: Duration = .seconds(30)) async throws -> HedgerowError {
        let end: Result<Void, any Error> = try await eventually("the subscription ends", within: within) {
            self.end
        }
        switch end {
        case .success: throw DidNotHappen(description: "the subscription ended without an error")
        case .failure(let error):
            guard let ours = (error as? RPCError).flatMap(HedgerowError.init) else { throw error }
            return ours
        }
    }

    fileprivate func run(_ client: GRPCClient<HTTP2ClientTransport.Posix>) async {
        let result: Result<Void, any Error>
        do {
            try await TelemetryService.Client(wrapping: client).subscribe { writer in
                for await request in self.requests { try await writer.write(request) }
            } onResponse: { response in
                for try await message in response.messages {
                    self.state.withLock { state in
                        state.deliveries.append(contentsOf: message.deliveries)
                        state.dropped += message.dropped
                    }
                }
            }
            result = .success(())
        } catch {
            result = .failure(error)
        }
        state.withLock { $0.end = result }
    }
}

/// Runs a subscription while the body runs; what is left of it then is cancelled.
///
/// Nothing that the server answers says that a subscription has begun; a test sees it by a message that arrives.
public func withSubscriber<Value: Sendable>(
    _ client: GRPCClient<HTTP2ClientTransport.Posix>, _ filters: [String], atLeastOnce: Bool = false,
    thing: String = "", credit: Int = 1_000, _ body: (RawSubscriber) async throws -> Value
) async throws -> Value {
    let subscriber = RawSubscriber()
    subscriber.send(
        .with {
            $0.start.topicFilters = filters
            $0.start.atLeastOnce = atLeastOnce
            $0.start.thing = thing
            $0.addCredit = UInt32(credit)
        })
    return try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { await subscriber.run(client) }
        defer { group.cancelAll() }
        return try await body(subscriber)
    }
}
