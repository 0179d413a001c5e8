public import FoundationEssentials
public import GRPCCore
public import GRPCNIOTransportHTTP2Posix
public import HedgerowAPI
public import Messaging
public import RPCSupport
import SwiftProtobuf
import Synchronization

/// A publish stream in the hands of a test, which may break every rule of it.
public final class RawPublisher: Sendable {
    private struct State {
        var responses: [PublishResponse] = []
        var end: Result<Void, any Error>?
    }

    private let state = Mutex(State())
    private let requests: AsyncStream<PublishRequest>
    private let outgoing: AsyncStream<PublishRequest>.Continuation

    /// The epoch that ``open(stream:oldest:)`` names.
    public let epoch: Epoch

    /// Makes a stream that is not open yet; see ``withPublisher(_:epoch:_:)``.
    init(epoch: Epoch) {
        self.epoch = epoch
        (requests, outgoing) = AsyncStream.makeStream()
    }

    // MARK: Sending

    /// Sends a request as it is.
    public func send(_ request: PublishRequest) { outgoing.yield(request) }

    /// Opens the session and waits for the first answer.
    ///
    /// - Returns: the sequence after which the server wants to go on.
    /// - Throws: what the stream ended with.
    @discardableResult
    public func open(stream: String = "default", oldest: UInt64 = 1) async throws -> UInt64 {
        send(.opening(stream: stream, epoch: epoch, oldest: oldest))
        return try await eventually("the session is open") {
            if let first = self.responses.first { return first.resumeAfterSequence }
            if let end = self.end {
                try end.get()
                throw DidNotHappen(description: "the stream ended before its first answer")
            }
            return nil
        }
    }

    /// Sends publications in one request.
    public func publish(_ publications: Publication...) { publish(publications) }

    /// Sends publications in one request.
    public func publish(_ publications: [Publication]) {
        send(.with { $0.publications = publications })
    }

    /// Ends this side of the stream.
    public func hangUp() { outgoing.finish() }

    // MARK: Receiving

    /// All answers so far.
    public var responses: [PublishResponse] { state.withLock { $0.responses } }

    /// How the stream ended; nil while it goes on.
    public var end: Result<Void, any Error>? { state.withLock { $0.end } }

    /// The last acknowledged sequence.
    public var acknowledged: UInt64 { responses.map(\.acknowledgedSequence).max() ?? 0 }

    /// Everything that was rejected.
    public var rejected: [Rejection] { responses.flatMap(\.rejected) }

    /// Waits until a sequence is acknowledged.
    public func acknowledged(through sequence: UInt64, within: Duration = .seconds(30)) async throws {
        try await eventually("sequence \(sequence) is acknowledged", within: within) {
            if self.acknowledged >= sequence { return true }
            if let end = self.end { try end.get() }
            return false
        }
    }

    /// Waits until the stream ends with an error of ours.
    public func refusal(within: Duration = .seconds(30)) async throws -> HedgerowError {
        let end: Result<Void, any Error> = try await eventually("the stream ends", within: within) {
            self.end
        }
        switch end {
        case .success: throw DidNotHappen(description: "the stream ended without an error")
        case .failure(let error):
            guard let ours = (error as? RPCError).flatMap(HedgerowError.init) else { throw error }
            return ours
        }
    }

    fileprivate func run(_ client: GRPCClient<HTTP2ClientTransport.Posix>) async {
        let result: Result<Void, any Error>
        do {
            try await TelemetryService.Client(wrapping: client).publish { writer in
                for await request in self.requests { try await writer.write(request) }
            } onResponse: { response in
                for try await message in response.messages {
                    self.state.withLock { $0.responses.append(message) }
                }
            }
            result = .success(())
        } catch {
            result = .failure(error)
        }
        state.withLock { $0.end = result }
    }
}

/// Runs a publish stream while the body runs; what is left of it then is cancelled.
public func withPublisher<Value: Sendable>(
    _ client: GRPCClient<HTTP2ClientTransport.Posix>, epoch: Epoch = .random(),
    _ body: (RawPublisher) async throws -> Value
) async throws -> Value {
    let publisher = RawPublisher(epoch: epoch)
    return try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { await publisher.run(client) }
        defer { group.cancelAll() }
        return try await body(publisher)
    }
}

extension PublishRequest {
    /// The first request of a session.
    public static func opening(stream: String = "default", epoch: Epoch, oldest: UInt64 = 1) -> PublishRequest
    {
        .with {
            $0.session.stream = stream
            $0.session.epoch = Data(epoch.bytes)
            $0.session.oldestSequence = oldest
            $0.session.level = .synced
        }
    }
}

extension Publication {
    /// A plain reading as a foreign client sends it; QoS 0 where the sequence is 0.
    public static func plain(_ sequence: UInt64, _ topic: String, _ values: [String: Double]) -> Publication {
        .with {
            $0.sequence = sequence
            $0.message.topic = topic
            $0.message.reading.values = values.mapValues { value in .with { $0.doubleValue = value } }
        }
    }

    /// A packed batch of one field, `value`.
    public static func packed(_ sequence: UInt64, _ topic: String, _ values: [Double], at time: Date = Date())
        -> Publication
    {
        .with {
            $0.sequence = sequence
            $0.batch.topic = topic
            $0.batch.baseTime = Microseconds.timestamp(Int64(time.timeIntervalSince1970 * 1_000_000))
            $0.batch.timeOffsetsUs = values.indices.map { Int64($0) * 1_000 }
            $0.batch.readings.columns = [
                .with {
                    $0.name = "value"
                    $0.doubleValues = values
                }
            ]
        }
    }

    /// Opaque bytes.
    public static func payload(_ sequence: UInt64, _ topic: String, bytes: Int) -> Publication {
        .with {
            $0.sequence = sequence
            $0.batch.topic = topic
            $0.batch.baseTime = Microseconds.timestamp(Int64(Date().timeIntervalSince1970 * 1_000_000))
            $0.batch.timeOffsetsUs = [0]
            $0.batch.payloads.contentType = "application/octet-stream"
            $0.batch.payloads.data = [Data(repeating: 7, count: bytes)]
        }
    }
}
