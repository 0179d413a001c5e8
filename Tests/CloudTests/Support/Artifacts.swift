import Crypto
import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import HedgerowAPI
import RPCSupport
import SwiftProtobuf
import Synchronization
import TestSupport

@testable import Cloud

typealias Artifacts = Hedgerow_Artifact_V1_ArtifactService.Client<HTTP2ClientTransport.Posix>

/// A file of a test: bytes that repeat nowhere soon.
struct TestFile: Sendable {
    let bytes: Data
    let digest: Data

    init(_ size: Int, seed: UInt64 = 1) {
        var generator = SeededGenerator(seed: seed)
        var bytes = Data(capacity: size + 8)
        while bytes.count < size { withUnsafeBytes(of: generator.next()) { bytes.append(contentsOf: $0) } }
        self.bytes = bytes.prefix(size)
        digest = Data(SHA256.hash(data: self.bytes))
    }

    var hex: String { ArtifactDigest.text(digest) }

    /// Chunks from an offset on.
    func chunks(from offset: Int = 0) -> [Data] {
        stride(from: offset, to: bytes.count, by: ArtifactLimits.chunkBytes).map {
            Data(bytes[$0..<min($0 + ArtifactLimits.chunkBytes, bytes.count)])
        }
    }
}

extension RunningCloud {
    /// Uploads a file.
    ///
    /// - Parameter chunks: what to send in place of the file's rest.
    @discardableResult
    func upload(
        _ admin: ClientIdentity, _ file: TestFile, name: String = "model.onnx", from offset: Int = 0,
        chunks: [Data]? = nil
    ) async throws -> Hedgerow_Artifact_V1_UploadArtifactResponse {
        try await call(as: admin) { client in
            try await Artifacts(wrapping: client).uploadArtifact(
                request: StreamingClientRequest { writer in
                    try await writer.write(.start(file, name: name, from: offset))
                    for chunk in chunks ?? file.chunks(from: offset) {
                        try await writer.write(.with { $0.chunk = chunk })
                    }
                })
        }
    }

    /// Uploads the beginning of a file and lets the connection go when the cloud has it.
    func uploadPart(_ admin: ClientIdentity, _ file: TestFile, bytes: Int) async throws {
        let path = server.context.artifacts.partialPath(of: [UInt8](file.digest))
        try await call(as: admin) { client in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    _ = try? await Artifacts(wrapping: client).uploadArtifact(
                        request: StreamingClientRequest { writer in
                            try await writer.write(.start(file, name: "model.onnx", from: 0))
                            for start in stride(from: 0, to: bytes, by: ArtifactLimits.chunkBytes) {
                                let end = min(start + ArtifactLimits.chunkBytes, bytes)
                                try await writer.write(.with { $0.chunk = Data(file.bytes[start..<end]) })
                            }
                            try await Task.sleep(for: .seconds(600))
                        })
                }
                try await eventually(
                    "the part is there",
                    holds: { (try? Data(contentsOf: URL(fileURLWithPath: path)).count) == bytes })
                group.cancelAll()
                try await group.waitForAll()
            }
        }
        try await eventually(
            "the upload is over", holds: { !server.context.artifacts.uploads.isActive([UInt8](file.digest)) })
    }

    /// What the cloud has of a file.
    func heldOf(
        _ admin: ClientIdentity, _ file: TestFile, verify: Bool = false
    ) async throws -> Hedgerow_Artifact_V1_GetArtifactUploadResponse {
        try await call(as: admin) { client in
            try await Artifacts(wrapping: client).getArtifactUpload(
                .with {
                    $0.digest = file.digest
                    $0.verify = verify
                })
        }
    }

    /// Downloads a file; the chunks as they come.
    func download(
        _ identity: ClientIdentity, _ file: TestFile, from offset: UInt64 = 0
    ) async throws -> [Hedgerow_Artifact_V1_DownloadArtifactResponse] {
        try await call(as: identity) { client in
            try await Artifacts(wrapping: client).downloadArtifact(
                .with {
                    $0.digest = file.digest
                    $0.offsetBytes = offset
                }
            ) { response in
                var all: [Hedgerow_Artifact_V1_DownloadArtifactResponse] = []
                for try await message in response.messages { all.append(message) }
                return all
            }
        }
    }

    /// Every artifact, page by page.
    func artifacts(
        _ admin: ClientIdentity, prefix: String = ""
    ) async throws -> [Hedgerow_Artifact_V1_Artifact] {
        try await call(as: admin) { client in
            var all: [Hedgerow_Artifact_V1_Artifact] = []
            var token = ""
            repeat {
                let page = try await Artifacts(wrapping: client).listArtifacts(
                    .with {
                        $0.pageSize = 2
                        $0.pageToken = token
                        $0.digestPrefix = prefix
                    })
                all += page.artifacts
                token = page.nextPageToken
            } while !token.isEmpty && all.count < 1_000
            return all
        }
    }
}

extension Hedgerow_Artifact_V1_UploadArtifactRequest {
    static func start(_ file: TestFile, name: String, from offset: Int) -> Self {
        .with {
            $0.start.digest = file.digest
            $0.start.sizeBytes = UInt64(file.bytes.count)
            $0.start.name = name
            $0.start.offsetBytes = UInt64(offset)
        }
    }
}

/// The recipe of a component that names files.
func recipe(_ name: String, _ version: String, artifacts: [(name: String, file: TestFile)]) -> String {
    recipe(name, version) + "artifacts:\n"
        + artifacts.map {
            "  - {name: \($0.name), sha256: \($0.file.hex), size: \($0.file.bytes.count)}\n"
        }.joined()
}
