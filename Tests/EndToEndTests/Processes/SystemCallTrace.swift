import Foundation
import TestSupport

/// The fsync and fdatasync calls of a process, by strace.
struct SystemCallTrace {
    private let path: String
    private let tracer: FleetProcess

    /// Whether strace is there and may trace.
    static func isAllowed() async throws -> Bool {
        guard let strace = program else { return false }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: strace)
        process.arguments = ["-f", "-o", "/dev/null", "true"]
        process.standardError = FileHandle.nullDevice
        try process.run()
        try await eventually("strace tries itself") { !process.isRunning }
        return process.terminationStatus == 0
    }

    private static var program: String? {
        ["/usr/bin/strace", "/usr/local/bin/strace"].first(where: FileManager.default.isExecutableFile)
    }

    /// Attaches to a process, all its threads included.
    init(of process: FleetProcess, in fleet: ProcessFleet) async throws {
        guard let strace = Self.program else { throw DidNotHappen(description: "strace is missing") }
        let path = fleet.directory + "/\(process.name).syncs"
        self.path = path
        tracer = try fleet.launch(
            URL(fileURLWithPath: strace), name: "strace",
            ["-f", "-e", "trace=fsync,fdatasync", "-o", path, "-p", "\(process.processID)"])
        let tracer = tracer
        try await eventually("strace is attached") {
            if let exit = tracer.exit {
                throw DidNotHappen(description: "strace ended (\(exit)): \(tracer.logTail())")
            }
            // One line for each thread, before the first call is traced.
            return tracer.logTail().contains("attached")
        }
        // The main thread is named first; each of the others follows at once.
        let threads = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(process.processID)/task")
            .count
        try await eventually("strace is attached to all \(threads) threads") {
            let status = try FileManager.default.contentsOfDirectory(
                atPath: "/proc/\(process.processID)/task"
            )
            .filter { thread in
                let text = try? String(
                    contentsOfFile: "/proc/\(process.processID)/task/\(thread)/status", encoding: .utf8)
                return text?.contains("TracerPid:\t\(tracer.processID)") ?? true
            }
            return status.count >= threads
        }
    }

    /// Calls that have returned 0. strace writes the line while the caller still waits for its call to return.
    func completedSyncs() -> Int {
        guard let data = FileManager.default.contents(atPath: path) else { return 0 }
        return String(decoding: data, as: UTF8.self).split(separator: "\n").count { line in
            line.hasSuffix("= 0") && line.contains("sync")
        }
    }
}
