import Components
import FoundationEssentials
import GRDB
import Logging
import Messaging
import RPCSupport
import StreamStore

/// Keeps one export of a stream going, for ever, with jittered waits after failures, until the stream has no such export
/// any more.
struct ExportRunner {
    /// Most entries that are taken at once.
    static let maximumEntries = 1_000
    /// Most bytes of payload that are taken at once, after the first entry.
    static let maximumBytes = 2 << 20
    /// How long an export with nothing to do waits before it looks after what it has open.
    static let idleInterval = Duration.seconds(10)

    let name: String
    let stream: String
    let parts: TelemetryParts

    /// Runs until the export is gone or the task is cancelled.
    func run() async {
        var backoff = parts.backoff
        let signal = parts.exports.signal(of: name, stream: stream)
        var target: [UInt8] = []
        var exporter: (any StreamExporter)?
        while !Task.isCancelled {
            do {
                guard let section = try await next() else { return }
                if section.state.isPaused {
                    await signal.wait()
                    continue
                }
                if exporter == nil || section.state.target != target {
                    target = section.state.target
                    exporter = try makeExporter(target)
                }
                if section.entries.isEmpty {
                    try await exporter?.idle(section.state)
                    if section.state.lastError != nil { await note(nil) }
                    await signal.wait(upTo: Self.idleInterval)
                } else {
                    try await exporter?.take(section)
                    backoff.reset()
                }
            } catch {
                if Task.isCancelled { return }
                await note("\(error)")
                parts.onceAMinute("export \(stream) \(name) failed") {
                    parts.logger.warning(
                        "an export of a stream failed; its messages are kept here and exported later",
                        metadata: [
                            "stream": "\(stream)", "export": "\(name)", "error.message": "\(error)",
                        ])
                }
                do { try await Task.sleep(for: backoff.next()) } catch { return }
            }
        }
    }

    private func next() async throws -> ExportSection? {
        let (name, stream) = (name, stream)
        return try await parts.read { db in
            try DurableStreams(db).next(
                for: name, of: stream, limit: Self.maximumEntries, maximumBytes: Self.maximumBytes)
        }
    }

    private func makeExporter(_ target: [UInt8]) throws -> any StreamExporter {
        let export = try JSONDecoder().decode(StreamExport.self, from: Data(target))
        switch export.target {
        case .topic(let topic): return TopicExport(name: name, stream: stream, topic: topic, parts: parts)
        case .directory(let directory):
            return DirectoryExport(name: name, stream: stream, target: directory, parts: parts)
        case .cloud: throw UnusableExport(name: name)
        }
    }

    /// Keeps why the export failed, where that can be kept.
    private func note(_ error: String?) async {
        let (name, stream, now) = (name, stream, parts.clock.now)
        try? await parts.committer.commit { db in
            try DurableStreams(db).setError(error, of: name, stream: stream, now: now)
        }
    }
}
