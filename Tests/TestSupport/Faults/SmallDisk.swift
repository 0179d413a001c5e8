import Foundation
import Subprocess

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A small disk (a tmpfs) in place of a directory, which a test fills and frees. It takes root.
public struct SmallDisk: Sendable {
    /// Where it is mounted.
    public let path: String
    private var ballast: String { path + "/ballast-of-the-test" }

    /// Whether this process may mount a disk: root of the machine may, root of most containers may not.
    public static var isAllowed: Bool {
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("CapEff:") } ?? ""
        let capabilities =
            line.split(whereSeparator: \.isWhitespace).last.flatMap { UInt64($0, radix: 16) } ?? 0
        // CAP_SYS_ADMIN.
        return capabilities & (1 << 21) != 0
    }

    /// Mounts a disk at a path, which is made where it is missing.
    ///
    /// - Throws: ``DidNotHappen`` where that is not allowed here.
    public init(at path: String, mebibytes: Int) async throws {
        self.path = path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        let options = "size=\(mebibytes)m,mode=0700"
        guard try await Self.run("mount", ["-t", "tmpfs", "-o", options, "tmpfs", path]) else {
            throw DidNotHappen(description: "a tmpfs cannot be mounted at \(path); it takes root")
        }
    }

    /// Writes until not one byte more goes in.
    public func fill() throws {
        let descriptor = open(ballast, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            // Not even room for a name: full as it can be.
            guard errno == ENOSPC else { throw DidNotHappen(description: "\(ballast) cannot be opened") }
            return
        }
        defer { close(descriptor) }
        var size = 1 << 20
        while size > 0 {
            let bytes = [UInt8](repeating: 0xB5, count: size)
            let count = write(descriptor, bytes, size)
            if count < 0, errno == EINTR { continue }
            if count < 0, errno != ENOSPC {
                throw DidNotHappen(description: "\(ballast) cannot be written: \(errno)")
            }
            if count < size { size /= 2 }
        }
    }

    /// Makes room again.
    public func free() { unlink(ballast) }

    /// Unmounts what is mounted at a path, if anything is; what is in it is gone, once nobody has a file of it open.
    public static func unmount(_ path: String) async throws { _ = try await run("umount", ["-l", path]) }

    /// The same, but the files stay, in the directory that was there before.
    public static func keepFiles(of path: String) async throws {
        let copy = path + ".copy"
        guard try await run("mountpoint", ["-q", path]), try await run("cp", ["-a", path, copy]) else {
            return
        }
        try await unmount(path)
        try? FileManager.default.removeItem(atPath: path)
        try FileManager.default.moveItem(atPath: copy, toPath: path)
    }

    private static func run(_ command: String, _ arguments: [String]) async throws -> Bool {
        try await Subprocess.run(
            .name(command), arguments: .init(arguments), input: .none, output: .discarded, error: .discarded
        ).terminationStatus.isSuccess
    }
}
