import Components
import FoundationEssentials
import GRDB
import GRPCCore
import HedgerowAPI
import Logging
import Messaging
import RPCSupport
import StreamStore
import SwiftProtobuf

/// Carries out what the cloud asks of streams.
struct StreamCommandRunner: Sendable {
    /// Most commands under way at once.
    static let maximum = 16
    /// Most bytes of the messages of one answer.
    static let maximumBytes = 256 << 10
    /// Messages of an answer where the command does not say, and the most.
    static let pageSizes = (standard: 100, most: 1_000)
    /// Longest time that a read waits for messages.
    static let longestWait: Duration = .seconds(10)
    /// Most bytes of the reason of a failure.
    static let maximumMessage = 1_000

    typealias Command = Hedgerow_Deployment_V1_StreamCommand
    typealias Result = Hedgerow_Deployment_V1_StreamCommandResult

    let parts: TelemetryParts

    /// Carries out a command. Every failure becomes part of the result.
    func run(_ command: Command) async -> Result {
        var result = Result()
        result.commandID = command.commandID
        do {
            switch command.command {
            case .read(let request)?: result.read = try await read(request)
            case .delete(let request)?: result.delete = try await delete(request)
            case .pause(let request)?:
                result.pause.export = try await setPaused(true, request.export, of: request.stream)
            case .resume(let request)?:
                result.resume.export = try await setPaused(false, request.export, of: request.stream)
            case nil:
                throw HedgerowError(
                    .unimplemented, .unspecified,
                    "the core \"\(parts.core)\" does not know this command; update its hedgerow-core")
            }
        } catch {
            result.failure = Self.failure(error)
        }
        return result
    }

    /// The result of a command that is not begun, because too many are under way.
    static func refusal(of command: Command) -> Result {
        .with {
            $0.commandID = command.commandID
            $0.failure = failure(
                HedgerowError(
                    .resourceExhausted, .tooManyCalls,
                    "\(maximum) commands are under way on this core; try again in a moment"))
        }
    }

    private static func failure(_ error: any Error) -> Hedgerow_Deployment_V1_StreamCommandFailure {
        let failure =
            error as? HedgerowError
            ?? HedgerowError(.unavailable, .storageFailed, "the core's database cannot be used: \(error)")
        return .with {
            $0.code = UInt32(failure.code.rawValue)
            $0.reason = failure.reason
            $0.message = failure.message.prefix(utf8: maximumMessage)
        }
    }

    private static func invalid(_ field: String, _ problem: String) -> HedgerowError {
        HedgerowError(.invalidArgument, .invalidField, "\(field) \(problem)")
    }

    // MARK: Reading

    /// Reads a stream, and waits for the first message where that is asked for.
    ///
    /// - Throws: `HedgerowError`.
    func read(
        _ request: Hedgerow_Stream_V1_ReadStreamRequest
    ) async throws -> Hedgerow_Stream_V1_ReadStreamResponse {
        try await requireStream(request.stream)
        let limit =
            request.pageSize == 0 ? Self.pageSizes.standard : min(Int(request.pageSize), Self.pageSizes.most)
        let start = try await start(of: request)
        let wait = min(Duration(request.wait), Self.longestWait)
        let end = ContinuousClock.now + wait
        let listener = parts.uplinks.listen(to: request.stream)
        defer { parts.uplinks.stop(listener, to: request.stream) }
        while true {
            let section = try await section(of: request.stream, from: start, limit: limit)
            var response = StreamPage(limit: limit, maximumBytes: Self.maximumBytes).page(
                section, from: start)
            if !response.messages.isEmpty { return response }
            let left = ContinuousClock.now.duration(to: end)
            guard left > .zero, !Task.isCancelled else {
                if !response.hasNext, case .position(let position) = start { response.next = .init(position) }
                return response
            }
            await listener.signal.wait(upTo: left)
        }
    }

    private func start(of request: Hedgerow_Stream_V1_ReadStreamRequest) async throws -> StreamStart {
        switch request.start {
        case .position(let position)?:
            guard let epoch = Epoch(position.epoch) else {
                throw Self.invalid("position.epoch", "has \(position.epoch.count) bytes; it has 16")
            }
            return .position(.init(epoch: epoch, sequence: position.sequence))
        case .time(let time)?:
            guard let time = Microseconds.of(time) else {
                throw Self.invalid("time", "is not from year 1 to 9999")
            }
            return .time(time)
        case .newest(true)?:
            let newest = try await inHome(of: request.stream) { streams in
                try streams.describe(request.stream).epochs.last.map {
                    StreamPosition(epoch: $0.epoch, sequence: $0.newest + 1)
                }
            }
            return newest.map { .position($0) } ?? .oldest
        case .newest(false)?, nil:
            return .oldest
        }
    }

    /// Every entry has a message at least, so that so many entries are enough for a page.
    private func section(
        of stream: String, from start: StreamStart, limit: Int
    ) async throws -> StreamSection {
        try await inHome(of: stream) { streams in
            try streams.read(
                stream, from: start, limit: limit, maximumBytes: Self.maximumBytes)
        }
    }

    // MARK: Changing

    private func delete(
        _ request: Hedgerow_Stream_V1_DeleteStreamMessagesRequest
    ) async throws -> Hedgerow_Stream_V1_DeleteStreamMessagesResponse {
        try await requireStream(request.stream)
        var position: StreamPosition?
        if request.hasThrough {
            guard let epoch = Epoch(request.through.epoch) else {
                throw Self.invalid("through.epoch", "has \(request.through.epoch.count) bytes; it has 16")
            }
            position = .init(epoch: epoch, sequence: request.through.sequence)
        }
        let (stream, through, reason) = (request.stream, position, LossReason.deleted.rawValue)
        var deletions: [StreamDeletion] = []
        // In pieces, between which others may write.
        while let deletion = try await parts.commit({ db in
            try DurableStreams(db).delete(
                stream, through: through, reason: reason, limit: DurableStreams.maximumExpired)
        }) {
            deletions.append(deletion)
            if !deletion.hasMore { break }
        }
        if let deletion = try await parts.streams.memory?.write({ db in
            try DurableStreams(db).delete(stream, through: through, reason: reason)
        }) {
            deletions.append(deletion)
        }
        guard !deletions.isEmpty else {
            throw HedgerowError(
                .notFound, .notFound,
                "the stream \"\(stream)\" has no such epoch; see hedgerow streams show \(stream) --core \(parts.core)"
            )
        }
        let messages = deletions.reduce(0) { $0 + $1.messages }
        parts.counters.lost(deletions.reduce(0) { $0 + $1.lost }, .deleted, of: stream)
        parts.uplinks.wake([stream])
        parts.exports.wake([stream])
        parts.logger.notice(
            "messages of a stream were deleted, as an operator asked",
            metadata: ["stream": "\(stream)", "messages.count": "\(messages)"])
        return .with { $0.messages = messages }
    }

    private func setPaused(
        _ isPaused: Bool, _ export: String, of stream: String
    ) async throws -> Hedgerow_Stream_V1_StreamExportStatus {
        try await requireStream(stream)
        let status = try await parts.committer.commit { db in
            let streams = DurableStreams(db)
            guard try streams.setPaused(isPaused, export: export, of: stream) else {
                let names = try streams.exports(of: stream).map { "\"\($0.name)\"" }.joined(separator: ", ")
                throw HedgerowError(
                    .notFound, .notFound,
                    "the stream \"\(stream)\" has no export \"\(export)\"; it has \(names)")
            }
            return try streams.describe(stream).exports.first { $0.state.name == export }.map(
                StreamMonitor.wire)
        }
        parts.uplinks.wake([stream])
        parts.exports.changed.signal()
        parts.logger.notice(
            isPaused
                ? "an export is paused, as an operator asked" : "an export is resumed, as an operator asked",
            metadata: ["stream": "\(stream)", "export": "\(export)"])
        var wire = status ?? .init()
        let settings = parts.table.settings(of: stream)
        wire.kind = settings.exports.first { $0.name == export }?.kind ?? ""
        return wire
    }

    // MARK: Parts

    /// Reads a stream where it is appended to now.
    private func inHome<Value: Sendable>(
        of stream: String, _ body: @escaping @Sendable (DurableStreams) throws -> Value
    ) async throws -> Value {
        if parts.table.settings(of: stream).persistence == .memory, let memory = parts.streams.memory {
            return try await memory.read { db in try body(DurableStreams(db)) }
        }
        return try await parts.read { db in try body(DurableStreams(db)) }
    }

    private func requireStream(_ stream: String) async throws {
        if parts.table.streamNames.contains(stream) { return }
        guard try await parts.streams.names().contains(stream) else {
            throw HedgerowError(
                .notFound, .notFound,
                "the core \"\(parts.core)\" has no stream \"\(stream)\"; see hedgerow streams list --core \(parts.core)"
            )
        }
    }
}

extension Hedgerow_Stream_V1_StreamPosition {
    /// A position as it goes over the wire.
    init(_ position: StreamPosition) {
        self.init()
        epoch = Data(position.epoch.bytes)
        sequence = position.sequence
    }
}
