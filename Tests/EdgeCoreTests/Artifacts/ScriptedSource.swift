import Components
import Foundation
import GRPCCore
import RPCSupport
import Synchronization
import TestSupport

@testable import EdgeCore

/// A cloud's artifacts in the hands of a test.
final class ScriptedSource: ArtifactSource {
    /// What happens to one stream.
    enum Event: Sendable {
        /// It is cut after so many bytes.
        case cut(after: Int)
        /// It ends with an error.
        case fail(RPCError)
        /// It brings other bytes.
        case corrupt
        /// It brings so many bytes and then nothing more.
        case stall(after: Int)
    }

    private struct State {
        var files: [[UInt8]: Data] = [:]
        var script: [Event] = []
        var offsets: [UInt64] = []
        var stalls = 0
    }

    private let state = Mutex(State())

    /// Where each stream began.
    var offsets: [UInt64] { state.withLock { $0.offsets } }

    /// Streams that have brought what they bring, and stall.
    var stalls: Int { state.withLock { $0.stalls } }

    /// Adds a file.
    func add(_ bytes: Data, name: String = "model.onnx") -> ArtifactReference {
        let digest = ArtifactFixture.digest(bytes)
        state.withLock { $0.files[digest] = bytes }
        return ArtifactReference(name: name, digest: digest, size: Int64(bytes.count))
    }

    /// Says what happens to the next streams; those behind them go well.
    func script(_ events: Event...) { state.withLock { $0.script = events } }

    func stream(
        _ digest: [UInt8], from offset: UInt64, take: @escaping @Sendable (Data) async throws -> Void
    ) async throws {
        let (file, event) = state.withLock { state in
            state.offsets.append(offset)
            return (state.files[digest], state.script.isEmpty ? nil : state.script.removeFirst())
        }
        guard var bytes = file else { throw RPCError(code: .notFound, message: "no such artifact") }
        if case .fail(let error) = event { throw error }
        if case .corrupt = event { bytes[bytes.count - 1] ^= 1 }
        var limit = bytes.count
        if case .cut(let count) = event { limit = min(limit, Int(offset) + count) }
        if case .stall(let count) = event { limit = min(limit, Int(offset) + count) }
        for start in stride(from: Int(offset), to: limit, by: ArtifactLimits.chunkBytes) {
            try await take(Data(bytes[start..<min(start + ArtifactLimits.chunkBytes, limit)]))
        }
        if case .cut = event { throw RPCError(code: .unavailable, message: "the line was cut") }
        guard case .stall = event else { return }
        state.withLock { $0.stalls += 1 }
        try await Task.sleep(for: .seconds(600))
    }
}
