import FoundationEssentials
import PKI

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Rotated JSON-lines files of one stream in a directory.
///
/// Knows nothing between two calls: each begins by making the file what the checkpoint says. What was written behind
/// that, because the core ended before its checkpoint moved, is cut off and written again. A file is renamed to its
/// final name only when the checkpoint covers all of it.
///
/// Everything here blocks.
struct ExportDirectory {
    let path: String
    let stream: String
    let maximumFileSize: UInt64
    let maximumFiles: Int

    // MARK: Writing

    /// Makes ready to write: the file that the checkpoint names, as long as it says; where there is none, a new one.
    ///
    /// - Returns: The file's descriptor, at its end; the caller closes it.
    func open(_ checkpoint: inout DirectoryCheckpoint, now: Int64) throws -> Int32 {
        try DurableFile.makeDirectory(path)
        if let name = checkpoint.name(stream: stream), let file = checkpoint.file {
            if let descriptor = try reopen(name, length: file.length) { return descriptor }
            checkpoint.file = nil
        }
        return try begin(&checkpoint, now: now)
    }

    /// Opens a file that was begun; nil where it is finished, or is not what it was: then another one is begun.
    private func reopen(_ name: ExportFileName, length: UInt64) throws -> Int32? {
        let file = "\(path)/\(name.part)"
        let descriptor = systemOpen(file, O_RDWR | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else {
            // It was renamed before the core ended, or somebody took it away: what it held was exported.
            if errno == ENOENT { return nil }
            throw FileFailure("open", file, errno)
        }
        do {
            let size = lseek(descriptor, 0, SEEK_END)
            guard size >= 0 else { throw FileFailure("measure", file, errno) }
            guard UInt64(size) >= length else {
                // The disk lost its end. What is whole of it stays, as a file of its own.
                try cutToLines(descriptor, size: size, file)
                close(descriptor)
                try finish(name)
                return nil
            }
            guard ftruncate(descriptor, off_t(length)) == 0 else { throw FileFailure("cut", file, errno) }
            guard lseek(descriptor, 0, SEEK_END) >= 0 else { throw FileFailure("measure", file, errno) }
            return descriptor
        } catch {
            close(descriptor)
            throw error
        }
    }

    /// Cuts a file behind its last whole line.
    private func cutToLines(_ descriptor: Int32, size: off_t, _ file: String) throws {
        var end = size
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while end > 0 {
            let start = max(0, end - off_t(buffer.count))
            let count = pread(descriptor, &buffer, Int(end - start), start)
            guard count == Int(end - start) else { throw FileFailure("read", file, errno) }
            if let newline = buffer[..<count].lastIndex(of: UInt8(ascii: "\n")) {
                end = start + off_t(newline) + 1
                break
            }
            end = start
        }
        guard ftruncate(descriptor, end) == 0, fsync(descriptor) == 0 else {
            throw FileFailure("cut", file, errno)
        }
    }

    private func begin(_ checkpoint: inout DirectoryCheckpoint, now: Int64) throws -> Int32 {
        // Begun by a core that ended before any checkpoint knew of it: all that it holds is written again.
        for stale in try files(ExportFileName.partial) { try DurableFile.remove("\(path)/\(stale.part)") }
        let finished = try files(ExportFileName.finished).sorted()
        for old in finished.prefix(max(0, finished.count + 1 - maximumFiles)) {
            try DurableFile.remove("\(path)/\(old.whole)")
            checkpoint.deleted += 1
        }
        // The numbers go on also where the core was restored from an older copy.
        let number = max(checkpoint.next, (finished.last?.number ?? 0) + 1)
        let name = ExportFileName(stream: stream, time: UTCTime(now).compact, number: number)
        let file = "\(path)/\(name.part)"
        let descriptor = systemOpen(file, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o640)
        guard descriptor >= 0 else { throw FileFailure("create", file, errno) }
        do {
            try DurableFile.syncDirectory(of: file)
        } catch {
            close(descriptor)
            throw error
        }
        checkpoint.next = number + 1
        checkpoint.file = .init(time: name.time, number: number, length: 0, began: now)
        return descriptor
    }

    /// Adds bytes at the end of the file.
    func write(_ bytes: [UInt8], to descriptor: Int32) throws {
        if let failure = DurableFile.writeAll(bytes, to: descriptor, path) { throw failure }
    }

    /// Brings what was written onto the disk.
    func sync(_ descriptor: Int32) throws {
        guard fsync(descriptor) == 0 else { throw FileFailure("sync", path, errno) }
    }

    // MARK: Rotating

    /// Gives the file that the checkpoint names its final name; the checkpoint covers all of it.
    func rotate(_ checkpoint: inout DirectoryCheckpoint) throws {
        guard let name = checkpoint.name(stream: stream), let file = checkpoint.file else { return }
        if let descriptor = try reopen(name, length: file.length) {
            do {
                try sync(descriptor)
            } catch {
                close(descriptor)
                throw error
            }
            close(descriptor)
            try finish(name)
        }
        checkpoint.file = nil
    }

    private func finish(_ name: ExportFileName) throws {
        guard rename("\(path)/\(name.part)", "\(path)/\(name.whole)") == 0 else {
            throw FileFailure("rename", "\(path)/\(name.part)", errno)
        }
        try DurableFile.syncDirectory(of: "\(path)/\(name.whole)")
    }

    /// Files of this stream in the directory.
    func files(_ suffix: String) throws -> [ExportFileName] {
        guard let directory = opendir(path) else { throw FileFailure("list", path, errno) }
        defer { closedir(directory) }
        var names: [ExportFileName] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(
                    to: CChar.self, capacity: MemoryLayout.size(ofValue: entry.pointee.d_name)
                ) { String(cString: $0) }
            }
            if let file = ExportFileName(name, stream: stream, suffix: suffix) { names.append(file) }
        }
        return names
    }

    private func systemOpen(_ path: String, _ flags: Int32, _ mode: UInt32 = 0) -> Int32 {
        #if canImport(Glibc)
            Glibc.open(path, flags, mode_t(mode))
        #elseif canImport(Musl)
            Musl.open(path, flags, mode_t(mode))
        #else
            Darwin.open(path, flags, mode_t(mode))
        #endif
    }
}
