import Foundation
import GRPCCore
import HedgerowAPI
import Messaging
import PKI
import RPCSupport
import Synchronization

/// Brings one file into the cloud, going on where an earlier attempt ended.
struct ArtifactUpload: Sendable {
    typealias Artifact = Hedgerow_Artifact_V1_Artifact

    /// What became of it.
    struct Outcome: Sendable {
        let artifact: Artifact
        /// Whether the cloud had it already.
        let wasThere: Bool
    }

    /// Attempts in a row that bring nothing on.
    static let maximumAttempts = 6

    /// Seconds that another upload of the same file is waited for.
    static let patience = 30

    let file: ArtifactFile
    /// Has the cloud read what it has, and take the file again where that is damaged.
    var verify = false
    var backoff = Backoff(initial: .milliseconds(500), maximum: .seconds(10))

    /// Uploads the file.
    ///
    /// - Throws: what a call ends with, where trying again is of no use.
    func run(to cloud: CloudSession) async throws -> Outcome {
        try await Progress.show("asking the cloud about \(file.name)") { progress in
            try await run(to: cloud, progress)
        }
    }

    private func run(to cloud: CloudSession, _ progress: Progress) async throws -> Outcome {
        let bar = TransferProgress("uploading \(file.name)", size: file.size, progress: progress)
        var (backoff, attempts, best) = (backoff, 0, UInt64(0))
        var isFirst = true
        // How often to look before taking the upload back from another one, which may be dead.
        var patience = 0
        while true {
            do {
                let held = try await held(by: cloud, verify: verify && isFirst)
                if held.hasArtifact { return Outcome(artifact: held.artifact, wasThere: isFirst) }
                isFirst = false
                if held.active, patience > 0 {
                    progress.say("waiting for another upload of \(file.name)")
                    patience -= 1
                    try await Task.sleep(for: .seconds(1))
                    continue
                }
                if held.heldBytes > best { (attempts, best) = (0, held.heldBytes) }
                let reply = try await send(from: held.heldBytes, to: cloud, bar)
                return Outcome(artifact: reply.artifact, wasThere: !reply.created)
            } catch let error as RPCError where Self.mayHelp(error) {
                attempts += 1
                guard attempts < Self.maximumAttempts else { throw error }
                if HedgerowError(error)?.reason == .sessionSuperseded { patience = Self.patience }
                try await Task.sleep(for: backoff.next())
            }
        }
    }

    private func held(
        by cloud: CloudSession, verify: Bool
    ) async throws -> Hedgerow_Artifact_V1_GetArtifactUploadResponse {
        var request = Hedgerow_Artifact_V1_GetArtifactUploadRequest()
        request.digest = Data(file.digest)
        request.verify = verify
        // Reading a large file takes the cloud a while.
        var options = verify ? CallOptions.defaults : cloud.options
        options.waitForReady = true
        return try await cloud.artifacts.getArtifactUpload(request, options: options)
    }

    private func send(
        from offset: UInt64, to cloud: CloudSession, _ bar: TransferProgress
    ) async throws -> Hedgerow_Artifact_V1_UploadArtifactResponse {
        let failure = Mutex<CLIError?>(nil)
        do {
            return try await cloud.artifacts.uploadArtifact { writer in
                var request = Hedgerow_Artifact_V1_UploadArtifactRequest()
                request.start.digest = Data(file.digest)
                request.start.sizeBytes = file.size
                request.start.name = file.name
                request.start.offsetBytes = offset
                try await writer.write(request)
                var position = offset
                while position < file.size {
                    bar.reached(position)
                    let chunk: Data
                    do {
                        chunk = try await read(at: position)
                    } catch let error as CLIError {
                        failure.withLock { $0 = error }
                        throw error
                    }
                    request.chunk = chunk
                    try await writer.write(request)
                    position += UInt64(chunk.count)
                }
                bar.reached(position)
            }
        } catch {
            throw failure.withLock { $0 } ?? error
        }
    }

    private func read(at offset: UInt64) async throws -> Data {
        let path = file.path
        return try await BlockingIO.run {
            guard let handle = FileHandle(forReadingAtPath: path) else {
                throw CLIError(.wrongUse, "\(path) cannot be read any more")
            }
            defer { try? handle.close() }
            try handle.seek(toOffset: offset)
            guard let chunk = try handle.read(upToCount: ArtifactLimits.chunkBytes), !chunk.isEmpty else {
                throw CLIError(
                    .wrongUse, "\(path) became shorter while it was uploaded", hint: "push it again")
            }
            return chunk
        }
    }

    /// Whether another attempt may go better: the line was cut, or another upload is at it.
    private static func mayHelp(_ error: RPCError) -> Bool {
        switch HedgerowError(error)?.reason {
        case nil: error.code == .unavailable || error.code == .unknown || error.code == .deadlineExceeded
        case .shuttingDown, .storageFailed, .sessionSuperseded, .tooManyCalls: true
        // The cloud holds less than it said, for another upload was there in between.
        case .invalidField: error.code == .outOfRange
        default: false
        }
    }
}
