import Components
import GRDB
import HedgerowAPI
import Messaging
import PKI
import RPCSupport
import StreamStore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Exports a stream to JSON-lines files.
///
/// The lines of a step are on the disk before the checkpoint moves, and the checkpoint says which file they are in and
/// how long that is. So a crash in between costs nothing: what lies behind the checkpoint is cut off and written again.
struct DirectoryExport: StreamExporter {
    /// Most bytes that are gathered before they are written.
    static let writeBytes = 256 << 10
    /// How long a file is written before the next one begins, however small it is: an hour.
    static let rotationInterval = Duration.seconds(3_600)

    let name: String
    let stream: String
    let directory: ExportDirectory
    let parts: TelemetryParts

    init(name: String, stream: String, target: StreamDirectory, parts: TelemetryParts) {
        self.name = name
        self.stream = stream
        self.parts = parts
        let path =
            target.path.hasPrefix("/") ? target.path : "\(Self.parent(of: parts.pool.path))/\(target.path)"
        directory = ExportDirectory(
            path: path, stream: stream, maximumFileSize: target.maxFileSize.bytes,
            maximumFiles: target.maxFiles)
    }

    /// Relative directories lie where the core's database does: in its state directory.
    private static func parent(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    }

    func take(_ section: ExportSection) async throws {
        let (core, now, directory) = (parts.core, parts.clock.now, directory)
        let progress = try await BlockingIO.run {
            try Self.write(section, to: directory, core: core, now: now)
        }
        let (name, stream) = (name, stream)
        try await parts.committer.commit { db in
            try DurableStreams(db).acknowledge(progress, by: name, of: stream, now: now)
        }
    }

    /// Writes what fits into the file that the checkpoint names, or into a new one where that is full.
    static func write(
        _ section: ExportSection, to directory: ExportDirectory, core: String, now: Int64
    ) throws -> ExportProgress {
        var checkpoint = DirectoryCheckpoint(stored: section.state.checkpoint)
        if let file = checkpoint.file, isDue(file, directory, now: now) { try directory.rotate(&checkpoint) }
        var writer = Writer(section, directory, core: core)
        var descriptor = try directory.open(&checkpoint, now: now)
        defer { close(descriptor) }
        while try writer.writeEntries(to: descriptor, &checkpoint) == false {
            // The next line does not fit behind what is covered by the checkpoint already.
            close(descriptor)
            descriptor = -1
            try directory.rotate(&checkpoint)
            descriptor = try directory.open(&checkpoint, now: now)
        }
        try directory.sync(descriptor)
        writer.progress.checkpoint = try checkpoint.encoded
        return writer.progress
    }

    private static func isDue(
        _ file: DirectoryCheckpoint.File, _ directory: ExportDirectory, now: Int64
    ) -> Bool {
        // A clock that was set back makes no difference to the size.
        file.length >= directory.maximumFileSize
            || now >= file.began &+ rotationInterval.components.seconds * 1_000_000
    }

    /// Gives a file that is old its final name, also while nothing comes.
    func idle(_ state: StreamExportState) async throws {
        let now = parts.clock.now
        var checkpoint = DirectoryCheckpoint(stored: state.checkpoint)
        guard let file = checkpoint.file, file.length > 0, Self.isDue(file, directory, now: now) else {
            return
        }
        let directory = directory
        let rotated = try await BlockingIO.run { [checkpoint] in
            var changed = checkpoint
            try directory.rotate(&changed)
            return changed
        }
        checkpoint = rotated
        let (name, stream) = (name, stream)
        let encoded = try checkpoint.encoded
        try await parts.committer.commit { db in
            try DurableStreams(db).setCheckpoint(encoded, of: name, stream: stream)
        }
    }

    /// Writes the lines of a section.
    private struct Writer {
        let directory: ExportDirectory
        let core: String
        let entries: [StreamEntry]
        var progress: ExportProgress
        private var index = 0
        private var text = JSONText()

        init(_ section: ExportSection, _ directory: ExportDirectory, core: String) {
            self.directory = directory
            self.core = core
            entries = section.entries
            progress = ExportProgress(epochID: section.epochID, through: section.acknowledged)
        }

        /// Writes until the file is full or nothing is left.
        ///
        /// - Returns: False where nothing at all fits into the file, so that another one has to be begun.
        mutating func writeEntries(to descriptor: Int32, _ checkpoint: inout DirectoryCheckpoint) throws
            -> Bool
        {
            var length = checkpoint.file?.length ?? 0
            var isFull = false
            while index < entries.count, !isFull {
                let entry = entries[index]
                progress.skip(to: entry)
                if case .batch(let stored) = entry.content, let lines = try? MessageLine(stored, core: core),
                    UInt64(lines.count) == entry.positions.count
                {
                    for row in 0..<lines.count where entry.positions.first + UInt64(row) > progress.through {
                        let before = text.bytes.count
                        lines.append(row: row, to: &text)
                        let line = UInt64(text.bytes.count - before)
                        if length > 0, length + line > directory.maximumFileSize {
                            text.cut(to: before)
                            isFull = true
                            break
                        }
                        length += line
                        progress.through = entry.positions.first + UInt64(row)
                        progress.exported += 1
                        if text.bytes.count >= DirectoryExport.writeBytes { try flush(to: descriptor) }
                    }
                } else {
                    progress.lose(entry)
                }
                if !isFull { index += 1 }
            }
            try flush(to: descriptor)
            let isStuck = isFull && length == checkpoint.file?.length
            checkpoint.file?.length = length
            return !isStuck
        }

        private mutating func flush(to descriptor: Int32) throws {
            try directory.write(text.bytes, to: descriptor)
            text.clear()
        }
    }
}
