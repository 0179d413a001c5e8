import Cloud
import Components
import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import HedgerowAPI
import Identity
import Logging
import Messaging
import PKI
import RPCSupport
import SwiftProtobuf
import Synchronization
import TestSupport
import Testing

@testable import EdgeCore

/// A real cloud and the core's store, over TLS, on a line that goes bad.
@Suite struct ArtifactTransferTests {
    private typealias Client = Hedgerow_Artifact_V1_ArtifactService.Client<HTTP2ClientTransport.Posix>

    /// A cloud with a file, a store that reaches it over a link of its own, and the link.
    private func with(
        bytes: Int, _ body: (Fleet, FaultLink, ArtifactStore, ArtifactReference, Data) async throws -> Void
    ) async throws {
        let content = ArtifactFixture.bytes(bytes)
        let digest = ArtifactFixture.digest(content)
        try await withFleet(cores: [], things: ["t"], groups: []) { fleet in
            _ = try await fleet.operate { client in
                try await Client(wrapping: client).uploadArtifact(
                    request: StreamingClientRequest { writer in
                        try await writer.write(
                            .with {
                                $0.start.digest = Data(digest)
                                $0.start.sizeBytes = UInt64(bytes)
                                $0.start.name = "model.onnx"
                            })
                        for start in stride(from: 0, to: bytes, by: ArtifactLimits.chunkBytes) {
                            let end = min(start + ArtifactLimits.chunkBytes, bytes)
                            try await writer.write(.with { $0.chunk = Data(content[start..<end]) })
                        }
                    })
            }
            try await FaultProxy.with { proxy in
                let link = try await proxy.link("cloud", to: try await fleet.cloud.listeningPorts().mtls)
                let user = try await fleet.operatorIdentity()
                let root = try String(contentsOfFile: fleet.cloudPath + "/root.pem", encoding: .utf8)
                let identity = StoredIdentity(
                    principal: try Principal(role: .operator, name: "admin"), trustDomain: fleet.trustDomain,
                    cloud: [NetworkEndpoint(host: "127.0.0.1", port: link.port)], keyPEM: user.keyPEM,
                    chainPEM: user.chainPEM, rootPEM: root, renewTime: Date(timeIntervalSinceNow: 3_600))
                let current = try CurrentIdentity(
                    identity, directory: IdentityDirectory(path: fleet.path + "/identity"))
                let store = ArtifactStore(
                    directory: fleet.path + "/artifacts",
                    source: CloudArtifactSource(dialer: CloudDialer(identity: current)),
                    backoff: Backoff(initial: .milliseconds(20), maximum: .milliseconds(200)),
                    logger: CoreHarnessLogger.silent)
                let reference = ArtifactReference(name: "model.onnx", digest: digest, size: Int64(bytes))
                try await body(fleet, link, store, reference, content)
            }
        }
    }

    @Test func aLineThatIsCutAgainAndAgainCostsNoByteTwice() async throws {
        try await with(bytes: 12 << 20) { _, link, store, reference, content in
            let cuts = Mutex(0)
            let told = Mutex<[UInt64]>([])
            try await store.ensure([reference], until: ArtifactFixture.later) { progress in
                told.withLock { $0.append(progress.held) }
                // Each time 3 MiB more are there, the line goes.
                let isDue = cuts.withLock { cuts in
                    guard cuts < 3, progress.held >= UInt64(cuts + 1) * (3 << 20) else { return false }
                    cuts += 1
                    return true
                }
                if isDue { link.cut() }
            }
            #expect(store.content(reference) == content)
            #expect(cuts.withLock { $0 } == 3)
            #expect(link.acceptedCount >= 4)
            let held = told.withLock { $0 }
            #expect(held == held.sorted() && Set(held).count == held.count)
        }
    }

    @Test func aCloudThatIsAwayInMidDownloadIsWaitedFor() async throws {
        try await with(bytes: 8 << 20) { fleet, link, store, reference, content in
            let half = Flag()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    try await store.ensure([reference], until: ArtifactFixture.later) { progress in
                        guard progress.held >= 4 << 20, !half.isSet else { return }
                        half.set()
                        link.update { $0.isRefusing = true }
                        link.cut()
                    }
                }
                try await eventually("half of it is there", holds: { half.isSet })
                try await fleet.stopCloud()
                let refused = link.acceptedCount
                try await eventually("it is tried again", holds: { link.acceptedCount > refused })
                #expect(store.path(of: reference.digest) == nil)
                try await fleet.startCloud()
                link.update { $0.isRefusing = false }
                try await group.waitForAll()
            }
            #expect(store.content(reference) == content)
        }
    }
}
