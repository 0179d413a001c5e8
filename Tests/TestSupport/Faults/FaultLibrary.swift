import Foundation
import Subprocess

/// A library of ours that is preloaded into a program and makes its system faulty: a wall clock that is wrong, syncs
/// that fail.
///
/// It is `faults.c`, compiled by the toolchain's clang when a test needs it, into the test's directory. Each process
/// has a ``FaultControl`` of its own:
///
/// ```swift
/// let faults = try await FaultLibrary(compilingIn: directory)
/// let control = try faults.control("core-a")
/// let core = try await fleet.startCore("core-a", environment: control.environment)
/// try control.setClockOffset(.seconds(3_600))
/// try control.setFailingSyncs(true)
/// ```
public struct FaultLibrary: Sendable {
    /// The compiled library.
    public let path: String
    private let directory: String

    /// Compiles the library into a directory that exists.
    ///
    /// - Throws: ``DidNotHappen`` where it cannot be compiled; it works on Linux with glibc only.
    public init(compilingIn directory: String) async throws {
        self.directory = directory
        path = "\(directory)/libfaults.so"
        let source = "\(directory)/faults.c"
        try Data(PackageResources.faults_c).write(to: URL(fileURLWithPath: source))
        let result = try await Subprocess.run(
            .name(try Self.compiler()),
            arguments: ["-std=c11", "-O1", "-Wall", "-Wextra", "-shared", "-fPIC", "-o", path, source],
            input: .none, output: .discarded, error: .string(limit: 1 << 16))
        guard result.terminationStatus.isSuccess else {
            throw DidNotHappen(description: "\(source) does not compile here: \(result.standardError)")
        }
    }

    private static func compiler() throws -> String {
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin").split(separator: ":")
        for name in ["clang", "cc"] {
            for folder in folders where FileManager.default.isExecutableFile(atPath: "\(folder)/\(name)") {
                return name
            }
        }
        throw DidNotHappen(
            description: "there is no C compiler on PATH, which Swift's toolchain has as clang")
    }

    /// The control of a process, by its name: of what is made twice under a name, the settings go on.
    public func control(_ name: String) throws -> FaultControl {
        try FaultControl(library: path, path: "\(directory)/\(name).faults")
    }
}
