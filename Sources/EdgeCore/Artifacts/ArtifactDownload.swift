import Components
import FoundationEssentials
import GRPCCore
import Logging
import Messaging
import PKI
import RPCSupport
import Supervision
import Synchronization

/// Fetches one artifact: as often as it takes until the deadline, each time from where the last attempt ended.
struct ArtifactDownload: Sendable {
    /// So often the cloud may send other bytes than the digest says before it is given up.
    static let maximumMismatches = 2

    let reference: ArtifactReference
    let partialPath: String
    let path: String
    let source: any ArtifactSource
    /// When it is given up, on ``clock``.
    let deadline: Duration
    let clock: MonotonicClock
    let logger: Logger

    /// What to do after an attempt that failed.
    private enum Verdict {
        case again
        case startOver
        case fail(ArtifactProblem)

        /// Whether what came is of use later. On a full disk others need the room more.
        var keepsFile: Bool {
            switch self {
            case .again: true
            case .startOver: false
            case .fail(let problem): problem.kind == .timedOut || problem.kind == .storage
            }
        }
    }

    private struct TimedOut: Error {}

    /// Fetches it.
    ///
    /// - Parameter progress: told how many bytes are here.
    /// - Throws: ``ArtifactProblem``, `CancellationError`.
    func run(backoff: Backoff, progress: @escaping @Sendable (UInt64) -> Void) async throws {
        var backoff = backoff
        var mismatches = 0
        var before: UInt64 = 0
        while true {
            let file = try await open()
            do {
                try await withDeadline { try await attempt(file, progress) }
                return
            } catch {
                let held = file.length
                let verdict = Task.isCancelled ? .again : verdict(on: error, held: held)
                let isWorthKeeping = verdict.keepsFile
                try? await BlockingIO.run { if isWorthKeeping { file.close() } else { file.discard() } }
                try Task.checkCancellation()
                switch verdict {
                case .fail(let problem): throw problem
                case .startOver:
                    mismatches += 1
                    if mismatches >= Self.maximumMismatches {
                        throw problem(.mismatch, Self.mismatch(error))
                    }
                case .again:
                    if held > before { backoff.reset() }
                    before = held
                }
                logger.info(
                    "artifact not fetched yet; trying again",
                    metadata: [
                        "artifact.name": "\(reference.name)", "held.bytes": "\(held)",
                        "error.message": "\(CallerError(error).message)",
                    ])
                try await wait(backoff.next(), after: error, held: held)
            }
        }
    }

    // MARK: An attempt

    private func open() async throws -> PartialArtifact {
        do {
            return try await BlockingIO.run {
                try PartialArtifact(path: partialPath, digest: reference.digest, size: reference.bytes)
            }
        } catch let failure as FileFailure {
            throw ArtifactStore.problem(failure, "artifact \"\(reference.name)\" could not be kept")
        }
    }

    private func attempt(
        _ file: PartialArtifact, _ progress: @escaping @Sendable (UInt64) -> Void
    ) async throws {
        if file.length < reference.bytes { try await receive(file, progress) }
        try Task.checkCancellation()
        let path = path
        try await BlockingIO.run {
            try file.verify()
            try file.publish(to: path)
        }
    }

    /// Takes what comes, and brings it to the disk beside that: the stream waits for the disk only where it is
    /// ``ArtifactLimits/syncBytes`` ahead.
    private func receive(
        _ file: PartialArtifact, _ progress: @escaping @Sendable (UInt64) -> Void
    ) async throws {
        let (syncs, due) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for await _ in syncs {
                    try await BlockingIO.run { try file.sync(ifAhead: ArtifactLimits.earlySyncBytes) }
                }
            }
            group.addTask {
                defer { due.finish() }
                try await take(file) { held in
                    if file.unsynced >= ArtifactLimits.earlySyncBytes { due.yield() }
                    progress(held)
                }
            }
            // The first that fails ends the other.
            while try await group.next() != nil {}
        }
    }

    /// Writes what comes.
    ///
    /// - Parameter written: told after each chunk how many bytes are here.
    private func take(
        _ file: PartialArtifact, _ written: @escaping @Sendable (UInt64) -> Void
    ) async throws {
        // The library may wrap what is thrown while a response is read.
        let failure = Mutex<(any Error)?>(nil)
        do {
            try await source.stream(reference.digest, from: file.length) { chunk in
                do {
                    try await BlockingIO.run {
                        try file.write(chunk)
                        try file.sync(ifAhead: ArtifactLimits.syncBytes)
                    }
                } catch {
                    failure.withLock { $0 = error }
                    throw error
                }
                written(file.length)
            }
        } catch {
            throw failure.withLock { $0 } ?? error
        }
    }

    private func withDeadline(_ body: @escaping @Sendable () async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await body() }
            group.addTask {
                try await clock.sleep(max(deadline - clock.now(), .zero))
                throw TimedOut()
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    private func wait(_ pause: Duration, after error: any Error, held: UInt64) async throws {
        guard clock.now() + pause < deadline else {
            throw timedOut(held, "\(CallerError(error).message)")
        }
        try await clock.sleep(pause)
    }

    // MARK: What went wrong

    private func verdict(on error: any Error, held: UInt64) -> Verdict {
        switch error {
        case is TimedOut:
            return .fail(timedOut(held, "the line was too slow"))
        case let failure as FileFailure:
            return .fail(disk(failure))
        case ArtifactFileError.file(let failure):
            return .fail(disk(failure))
        case ArtifactFileError.otherDigest, ArtifactFileError.tooLong:
            return .startOver
        case let error as RPCError:
            switch error.code {
            case .outOfRange: return .startOver
            case .notFound, .permissionDenied, .unauthenticated, .failedPrecondition, .invalidArgument,
                .unimplemented, .dataLoss:
                return .fail(problem(.refused, CallerError(error).message))
            default: return .again
            }
        default:
            return .again
        }
    }

    /// What is wrong with what the cloud sends, and what to do. The cloud does not notice by itself that its disk damaged
    /// a file: the length is right.
    private static func mismatch(_ error: any Error) -> String {
        let what = (error as? ArtifactFileError)?.description ?? CallerError(error).message
        return "\(what); the cloud's copy is damaged, replace it (hedgerow artifacts push FILE --verify) "
            + "and deploy again"
    }

    private func disk(_ failure: FileFailure) -> ArtifactProblem {
        ArtifactStore.problem(failure, "artifact \"\(reference.name)\" could not be kept")
    }

    private func timedOut(_ held: UInt64, _ cause: String) -> ArtifactProblem {
        problem(
            .timedOut,
            "\(ByteText.text(held)) of \(ByteText.text(reference.bytes)) came in time (\(cause)); what came is kept, "
                + "deploy again to go on")
    }

    private func problem(_ kind: ArtifactProblem.Kind, _ cause: String) -> ArtifactProblem {
        ArtifactProblem(kind, "artifact \"\(reference.name)\": \(cause)")
    }
}
