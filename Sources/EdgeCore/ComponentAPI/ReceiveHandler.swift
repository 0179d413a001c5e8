import Components
import GRPCCore
import HedgerowAPI
import Identity
import Logging
import Messaging
import RPCSupport
import StreamStore
import Supervision
import SwiftProtobuf

/// Serves `Receive`: a program's inbox goes to it, and what it makes of each message is stored.
struct ReceiveHandler: Sendable {
    typealias Request = Hedgerow_Component_V1_ReceiveRequest
    typealias Response = Hedgerow_Component_V1_ReceiveResponse

    /// Most messages of one response.
    static let maximumPerResponse = 64
    /// Bytes after which a response is sent without waiting for more; below gRPC's message limit.
    static let maximumResponseBytes = 1 << 20
    /// Most results of one request.
    static let maximumResults = 1_000
    /// Most results that one transaction stores.
    static let maximumPerTransaction = 64
    /// When a full stream or disk is looked at again.
    static let pause = Duration.milliseconds(500)

    let parts: TelemetryParts
    let caller: ComponentCaller
    let clock: MonotonicClock
    /// Told that the program was not done in time and has to be ended.
    let onOverdue: @Sendable (_ instance: String, _ cause: String) -> Void

    private var timeout: Duration? { caller.component.process?.handlerTimeout.duration }

    /// Serves one stream; the caller's task is cancelled when the call is over.
    func serve(_ requests: RPCAsyncSequence<Request, any Error>, _ responses: RPCWriter<Response>)
        async throws
    {
        let opened = Slot<InboxSession>()
        let started = Signal()
        do {
            try await withThrowingTaskGroup(of: Bool.self) { group in
                group.addTask {
                    try await read(requests) { session in
                        await parts.inboxes.begin(session)
                        opened.value = session
                        started.signal()
                    }
                    // A program that has nothing more to say is done; what it said is stored first.
                    await opened.value?.close()
                    started.signal()
                    return false
                }
                group.addTask {
                    await started.wait()
                    if let session = opened.value { try await serve(session, responses) }
                    return true
                }
                while let isDone = try await group.next(), !isDone {}
                group.cancelAll()
            }
        } catch {
            await close(opened.value)
            throw error
        }
        await close(opened.value)
    }

    /// Serves what was opened, until everything is stored that the program said before it closed its side.
    private func serve(_ session: InboxSession, _ responses: RPCWriter<Response>) async throws {
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                try await send(session, responses)
                return true
            }
            group.addTask {
                try await store(session)
                // What was stored last is still to be told.
                await session.end()
                return false
            }
            group.addTask {
                try await watch(session)
                return false
            }
            while let isDone = try await group.next(), !isDone {}
            group.cancelAll()
        }
    }

    private func close(_ session: InboxSession?) async {
        guard let session else { return }
        parts.inboxes.end(session, unanswered: await session.unanswered)
    }

    // MARK: Requests

    private func read(
        _ requests: RPCAsyncSequence<Request, any Error>, started: (InboxSession) async -> Void
    ) async throws {
        var session: InboxSession?
        for try await request in requests {
            if session == nil {
                guard request.hasStart else {
                    throw Self.invalid("start: the first request has to carry it")
                }
                let made = InboxSession(
                    instance: caller.instance, isOneAtATime: request.start.oneAtATime)
                session = made
                await started(made)
            } else if request.hasStart {
                throw Self.invalid("start: only the first request may carry it")
            }
            guard let session else { return }
            guard request.results.count <= Self.maximumResults else {
                throw Self.invalid(
                    "results: \(request.results.count); at most \(Self.maximumResults) in one request")
            }
            if !request.results.isEmpty {
                try await session.take(
                    request.results.map { ($0.deliveryID, checked($0)) },
                    bytes: try request.serializedData().count)
            }
            if request.addCredit > 0 { try await session.add(credit: Int(request.addCredit)) }
        }
    }

    /// A result as it can be stored: one that says something impossible fails the message, and stalls nothing.
    private func checked(_ result: Hedgerow_Component_V1_EventResult) -> ProgramResult {
        if !result.failure.isEmpty {
            return ProgramResult(failure: String(result.failure.prefix(utf8: InboxLimits.failureBytes)))
        }
        guard result.messages.count <= InboxLimits.outputs else {
            return ProgramResult(
                failure:
                    "its result has \(result.messages.count) messages; at most \(InboxLimits.outputs) are "
                    + "allowed")
        }
        let check = BatchCheck()
        for (number, message) in result.messages.enumerated() {
            do throws(IncomingPublication.Refusal) {
                _ = try check.check(Batch(message))
            } catch {
                return ProgramResult(failure: "message \(number) of its result is refused: \(error.detail)")
            }
        }
        return ProgramResult(messages: result.messages)
    }

    /// The instance as the running revision has it. Where that has it no more, nothing of it goes anywhere: what waits for it
    /// waits on, for the core may go back.
    static func component(_ instance: String, of parts: TelemetryParts) throws -> RunningComponent {
        if let component = parts.table.component(instance) { return component }
        throw HedgerowError(
            .failedPrecondition, .notDeployed,
            "component instance \"\(instance)\" is not in the revision that runs (\(parts.table.revision)) any more; its "
                + "program is being ended")
    }

    private static func invalid(_ problem: String) -> HedgerowError {
        HedgerowError(.invalidArgument, .invalidField, problem)
    }

    // MARK: Messages

    private func send(_ session: InboxSession, _ responses: RPCWriter<Response>) async throws {
        while true {
            try Task.checkCancellation()
            if await session.isSuperseded {
                throw HedgerowError(
                    .aborted, .sessionSuperseded,
                    "a newer stream of component instance \"\(caller.instance)\" took over; one at a time is served"
                )
            }
            _ = try Self.component(caller.instance, of: parts)
            var response = Response()
            try await fill(&response, session)
            let news = await session.takeNews()
            response.storedDeliveryIds = news.stored
            response.dropped = news.dropped
            if response.events.isEmpty, news.stored.isEmpty, news.dropped == 0 {
                if await session.isOver { return }
                await session.mayGoOn.wait()
            } else {
                try await responses.write(response)
            }
        }
    }

    private func fill(_ response: inout Response, _ session: InboxSession) async throws {
        var bytes = 0
        while response.events.count < Self.maximumPerResponse, bytes < Self.maximumResponseBytes,
            await session.room > 0
        {
            let deadline = session.isOneAtATime ? timeout.map { clock.now() + $0 } : nil
            guard let delivery = await session.begin(deadline: deadline) else {
                guard try await readOn(session) else { return }
                continue
            }
            let attempts = parts.inboxes.attempts(at: delivery.id, of: caller.instance)
            if attempts >= InboxLimits.attempts {
                let failure = "its program ended \(attempts) times over it"
                await session.fail(delivery.id, cause: failure)
                continue
            }
            var event = Hedgerow_Component_V1_Event()
            event.deliveryID = delivery.id
            event.record = delivery.message.record(core: parts.core)
            event.attempt = UInt32(attempts)
            bytes += try event.record.serializedData().count
            response.events.append(event)
        }
    }

    /// Reads what waits next; false where nothing does.
    private func readOn(_ session: InboxSession) async throws -> Bool {
        let instance = caller.instance
        if let after = await session.readsAfter {
            do {
                if let next = try await parts.read({ try StoredInbox($0).next(of: instance, after: after) }) {
                    await session.take(next)
                    return true
                }
            } catch let damage as CorruptInbox {
                parts.logger.error(
                    "a message for a component is damaged and was dropped",
                    metadata: [
                        "component.instance": "\(instance)", "error.message": "\(damage)",
                    ])
                try await parts.commit { try StoredInbox($0).drop(damage.id, of: instance) }
                await session.skip(damage.id)
                return true
            }
        }
        let waiting = parts.inboxes.takeTransient(Self.maximumPerResponse, of: instance)
        guard !waiting.messages.isEmpty || waiting.dropped > 0 else { return false }
        await session.take(waiting)
        return !waiting.messages.isEmpty
    }

    // MARK: Results

    private func store(_ session: InboxSession) async throws {
        while true {
            try Task.checkCancellation()
            if await session.isSettled {
                if await session.isClosed { return }
                if let overdue = await session.overdue {
                    throw HedgerowError(.deadlineExceeded, .handlerOverdue, overdue)
                }
                await session.hasResults.wait()
                continue
            }
            try await storeFinished(session)
        }
    }

    /// Stores the results that are there, as far as there is room for them.
    private func storeFinished(_ session: InboxSession) async throws {
        let finished = await session.finished(limit: Self.maximumPerTransaction)
        guard !finished.isEmpty else { return }
        var count = finished.count
        while count > 0 {
            do {
                let done = try await commit(finished.prefix(count))
                parts.carryOut(done.result)
                break
            } catch let full as NoRoom {
                count = full.before
            } catch StorageError.full {
                count = 0
            }
        }
        if count > 0 { await session.finish(finished.prefix(count).map(\.id)) }
        if count < finished.count { try await clock.sleep(Self.pause) }
    }

    /// A stream that takes nothing new is full: only so many messages before it can be stored now.
    private struct NoRoom: Error {
        let before: Int
    }

    private struct Done: Sendable {
        var result = CoreIngestTransaction.Result(outcome: IngestOutcome(acknowledged: 0))
    }

    /// Stores results in one transaction, all of them or none.
    private func commit(_ finished: ArraySlice<InboxSession.Delivery>) async throws -> Done {
        let (parts, instance) = (parts, caller.instance)
        return try await parts.commit(needsRoom: true) { db in
            var done = Done()
            // A newer version of the component answers for what an older one was given.
            let component = try Self.component(instance, of: parts)
            for (number, delivery) in finished.enumerated() {
                guard let result = delivery.result else { break }
                // Results that the program gave together are stored together.
                let before = finished.prefix(number).lastIndex {
                    $0.request != delivery.request || $0.request == 0
                }
                let noRoom = NoRoom(before: before.map { $0 - finished.startIndex + 1 } ?? 0)
                let source = delivery.message.entry.source
                let session = IngestSession(
                    publisher: try Principal(role: .thing, name: source.thing), stream: source.stream,
                    epoch: source.epoch, oldestSequence: 1, generation: 0)
                if let entry = delivery.entry {
                    // What another stream of this instance stored already is not stored again.
                    let isNew = try StoredInbox(db).isNext(delivery.message.row, in: entry)
                    if isNew {
                        guard
                            try parts.transaction(db, session).take(
                                result, of: delivery.message, by: component, into: &done.result)
                        else { throw noRoom }
                        try StoredInbox(db).finish(
                            delivery.message.row, of: delivery.message.entry.batch.count, in: entry,
                            for: instance)
                    }
                } else {
                    _ = try parts.transaction(db, session).take(
                        result, of: delivery.message, by: component, into: &done.result)
                }
            }
            return done
        }
    }

    // MARK: Time

    /// Fails the message that the program does not finish in time.
    private func watch(_ session: InboxSession) async throws {
        while true {
            guard let urgent = await session.mostUrgent, let deadline = urgent.deadline else {
                try Task.checkCancellation()
                await session.wasSent.wait()
                continue
            }
            let left = deadline - clock.now()
            if left > .zero {
                try await clock.sleep(left)
                continue
            }
            let cause = "it was not done within \(timeout ?? .zero)"
            guard await session.expire(urgent.id, cause: cause) else { continue }
            onOverdue(caller.instance, cause)
        }
    }
}
