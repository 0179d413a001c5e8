import ArgumentParser
import Foundation
import GRPCCore
import HedgerowAPI
import Messaging
import PKI
import RPCSupport

extension ArtifactsCommand {
    /// `artifacts get DIGEST -o FILE`.
    struct Get: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Download an artifact.",
            discussion: """
                The file is compared with its digest before it gets its name; until then it is FILE.partial. A download \
                that was cut goes on where it was: run the same command again.

                Example:
                  hedgerow artifacts get 9f86d081884c7d65 -o model.onnx
                """)

        @Argument(help: "Its SHA-256, or the first digits of it that no other has.")
        var digest: String

        @Option(
            name: [.customLong("to"), .customShort("o")],
            help: ArgumentHelp(
                "File to write; it is replaced. Default: the artifact's name.", valueName: "file"),
            completion: .file())
        var path: String?

        @OptionGroup var home: HomeOptions
        @OptionGroup var colour: ColourOptions

        /// Attempts in a row that bring nothing on.
        private static let maximumAttempts = 6

        func run() async throws {
            let (artifact, path) = try await home.withCloud { [digest, path] cloud in
                let artifact = try await cloud.artifact(digest)
                let path = path ?? artifact.name
                try await Progress.show("downloading \(artifact.name)") { progress in
                    try await Self.download(artifact, to: path, from: cloud, progress)
                }
                return (artifact, path)
            }
            CLIError.note("\(path): \(ByteText.text(artifact.sizeBytes)), its SHA-256 is right")
        }

        private static func download(
            _ artifact: Hedgerow_Artifact_V1_Artifact, to path: String, from cloud: CloudSession,
            _ progress: Progress
        ) async throws {
            let bar = TransferProgress(
                "downloading \(artifact.name)", size: artifact.sizeBytes, progress: progress)
            var backoff = Backoff(initial: .milliseconds(500), maximum: .seconds(10))
            var (attempts, best) = (0, UInt64(0))
            while true {
                let file = try await onDisk {
                    try PartialArtifact(
                        path: path + ".partial", digest: [UInt8](artifact.digest), size: artifact.sizeBytes)
                }
                if file.length > best { (attempts, best) = (0, file.length) }
                do {
                    try await receive(file, from: cloud, bar)
                    try await onDisk {
                        try file.verify()
                        try file.publish(to: path)
                    }
                    return
                } catch {
                    let isWrong = error is CLIError
                    try? await BlockingIO.run { if isWrong { file.discard() } else { file.close() } }
                    attempts += 1
                    guard let rpc = error as? RPCError, rpc.code == .unavailable || rpc.code == .unknown,
                        attempts < maximumAttempts
                    else { throw error }
                    try await Task.sleep(for: backoff.next())
                }
            }
        }

        private static func receive(
            _ file: PartialArtifact, from cloud: CloudSession, _ bar: TransferProgress
        ) async throws {
            var request = Hedgerow_Artifact_V1_DownloadArtifactRequest()
            request.digest = Data(file.digest)
            request.offsetBytes = file.length
            var options = CallOptions.defaults
            options.waitForReady = true
            try await cloud.artifacts.downloadArtifact(request, options: options) { response in
                for try await message in response.messages {
                    try await onDisk { try file.append(message.chunk) }
                    bar.reached(file.length)
                }
            }
        }

        /// Works on the file. What the disk says ends the command.
        private static func onDisk<Value: Sendable>(
            _ body: @escaping @Sendable () throws -> Value
        ) async throws -> Value {
            do {
                return try await BlockingIO.run(body)
            } catch let failure as FileFailure {
                throw CLIError(.failure, failure.description)
            } catch ArtifactFileError.incomplete(let held, let size) {
                throw RPCError(
                    code: .unavailable, message: "the download ended after \(held) of \(size) bytes")
            } catch let error as ArtifactFileError {
                throw CLIError(.failure, "the download is not the artifact: \(error)", hint: "try again")
            }
        }
    }
}
