import GRPCCore
import GRPCNIOTransportHTTP2Posix
import HedgerowAPI
import RPCSupport

/// Stands for the telemetry in tests of what is around it: answers each request of Subscribe with its credit.
struct EchoService: Hedgerow_Telemetry_V1_TelemetryService.SimpleServiceProtocol {
    func subscribe(
        request: RPCAsyncSequence<Hedgerow_Telemetry_V1_SubscribeRequest, any Error>,
        response: RPCWriter<Hedgerow_Telemetry_V1_SubscribeResponse>, context: ServerContext
    ) async throws {
        try await untilCancelled(context) {
            for try await message in request {
                var answer = Hedgerow_Telemetry_V1_SubscribeResponse()
                answer.dropped = UInt64(message.addCredit)
                try await response.write(answer)
            }
        }
    }

    func publish(
        request: RPCAsyncSequence<Hedgerow_Telemetry_V1_PublishRequest, any Error>,
        response: RPCWriter<Hedgerow_Telemetry_V1_PublishResponse>, context: ServerContext
    ) async throws {
        throw RPCError(code: .unimplemented, message: "not here")
    }

    func query(
        request: Hedgerow_Telemetry_V1_QueryRequest, context: ServerContext
    ) async throws -> Hedgerow_Telemetry_V1_QueryResponse {
        throw RPCError(code: .unimplemented, message: "not here")
    }

    func getLedger(
        request: Hedgerow_Telemetry_V1_GetLedgerRequest, context: ServerContext
    ) async throws -> Hedgerow_Telemetry_V1_GetLedgerResponse {
        throw RPCError(code: .unimplemented, message: "not here")
    }
}

/// One long call of ``EchoService``.
struct EchoCall {
    private let requests: AsyncStream<UInt32>.Continuation
    private var answers: AsyncThrowingStream<UInt64, any Error>.AsyncIterator
    private var next: UInt32 = 0

    /// Opens the call, runs the body, and ends the call.
    static func with(
        _ client: Hedgerow_Telemetry_V1_TelemetryService.Client<HTTP2ClientTransport.Posix>,
        _ body: (inout EchoCall) async throws -> Void
    ) async throws {
        let (requests, requestSink) = AsyncStream.makeStream(of: UInt32.self)
        let (answers, answerSink) = AsyncThrowingStream.makeStream(of: UInt64.self)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                do {
                    try await client.subscribe { writer in
                        for await number in requests {
                            var request = Hedgerow_Telemetry_V1_SubscribeRequest()
                            request.addCredit = number
                            try await writer.write(request)
                        }
                    } onResponse: { response in
                        for try await message in response.messages { answerSink.yield(message.dropped) }
                    }
                    answerSink.finish()
                } catch {
                    answerSink.finish(throwing: error)
                }
            }
            var call = EchoCall(requests: requestSink, answers: answers.makeAsyncIterator())
            defer {
                requestSink.finish()
                group.cancelAll()
            }
            try await body(&call)
        }
    }

    /// Sends a number and waits until it comes back.
    mutating func echo() async throws {
        next += 1
        requests.yield(next)
        let answer = try await answers.next()
        guard answer == UInt64(next) else {
            throw RPCError(
                code: .internalError, message: "expected \(next), got \(String(describing: answer))")
        }
    }

    /// Waits for the end of the call without sending anything; the error that it ended with.
    mutating func end() async -> (any Error)? {
        do {
            while try await answers.next() != nil {}
            return nil
        } catch {
            return error
        }
    }
}
