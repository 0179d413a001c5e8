import FoundationEssentials
import HedgerowAPI
import SwiftProtobuf
import Synchronization

/// How the streams of each core stand, as the core said last: in memory only, so that it is gone after a restart of the
/// cloud until the core says it again; kept while a core is away.
///
/// Bounded: at most one report a core that is registered, each checked by ``check(_:)``.
final class StreamStatusBoard: Sendable {
    /// Most streams of one core: those of its revision, and those that are there from before.
    static let maximumStreams = 256
    /// Most epochs of one stream.
    static let maximumEpochs = 32
    /// Most exports of one stream that are believed; a group's stream has fewer.
    static let maximumExports = 64
    /// Most causes of loss of one stream.
    static let maximumLosses = 32
    /// Most bytes of the name of an export, and of an error.
    static let maximumText = 1_100

    private struct Report {
        let time: Date
        let streams: [Hedgerow_Stream_V1_StreamStatus]
    }

    private let reports = Mutex<[String: Report]>([:])

    init() {}

    /// Enters what a core said; it takes the place of what it said before.
    func record(_ streams: [Hedgerow_Stream_V1_StreamStatus], of core: String, at time: Date) {
        let report = Report(time: time, streams: streams.sorted { $0.stream < $1.stream })
        reports.withLock { $0[core] = report }
    }

    /// A core was deleted.
    func remove(_ core: String) { reports.withLock { $0[core] = nil } }

    /// The streams of cores behind a place in the order of core and stream, at most so many.
    ///
    /// - Parameter cores: Names of the cores; all where it is nil.
    func streams(
        of cores: Set<String>?, behind place: (core: String, stream: String)?, limit: Int,
        isAttached: (String) -> Bool
    ) -> [Hedgerow_Stream_V1_StreamStatus] {
        let reports = reports.withLock { $0 }
        var result: [Hedgerow_Stream_V1_StreamStatus] = []
        for (core, report) in reports.sorted(by: { $0.key < $1.key })
        where cores.map({ $0.contains(core) }) ?? true && core >= (place?.core ?? "") {
            let connected = isAttached(core)
            for stream in report.streams {
                if let place, core == place.core, stream.stream <= place.stream { continue }
                if result.count == limit { return result }
                result.append(Self.complete(stream, core: core, time: report.time, connected: connected))
            }
        }
        return result
    }

    /// One stream of a core; nil where the core did not name it.
    func stream(_ name: String, of core: String, isAttached: Bool) -> Hedgerow_Stream_V1_StreamStatus? {
        guard let report = reports.withLock({ $0[core] }),
            let stream = report.streams.first(where: { $0.stream == name })
        else { return nil }
        return Self.complete(stream, core: core, time: report.time, connected: isAttached)
    }

    private static func complete(
        _ stream: Hedgerow_Stream_V1_StreamStatus, core: String, time: Date, connected: Bool
    ) -> Hedgerow_Stream_V1_StreamStatus {
        var stream = stream
        stream.core = core
        stream.reportTime = Google_Protobuf_Timestamp(time)
        stream.connected = connected
        return stream
    }

    /// What is wrong with a report.
    static func check(_ message: Hedgerow_Deployment_V1_StreamStatuses) -> RequestCheck {
        var check = RequestCheck()
        let field = "stream_statuses.streams"
        func bound(_ count: Int, _ most: Int, _ field: String) {
            check.require(count <= most, field, "has \(count) entries; at most \(most) are allowed")
        }
        bound(message.streams.count, maximumStreams, field)
        for (index, stream) in message.streams.prefix(maximumStreams).enumerated() {
            let field = "\(field)[\(index)]"
            check.name(stream.stream, "\(field).stream")
            bound(stream.epochs.count, maximumEpochs, "\(field).epochs")
            bound(stream.exports.count, maximumExports, "\(field).exports")
            bound(stream.lost.count, maximumLosses, "\(field).lost")
            for (index, export) in stream.exports.prefix(maximumExports).enumerated() {
                for (text, name) in [
                    (export.name, "name"), (export.kind, "kind"), (export.lastError, "last_error"),
                ] {
                    check.require(
                        text.utf8.count <= maximumText, "\(field).exports[\(index)].\(name)",
                        "has \(text.utf8.count) bytes; at most \(maximumText) are allowed")
                }
            }
        }
        return check
    }
}
