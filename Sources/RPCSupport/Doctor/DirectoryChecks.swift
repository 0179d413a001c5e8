import PKI

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Whether a directory and its secrets are readable for those who need them, and for nobody else. Everything blocks.
public enum DirectoryChecks {
    /// Checks that a directory is there, is one, is only its owner's, and may be written.
    ///
    /// - Parameters:
    ///   - path: the directory.
    ///   - option: the flag that names another one, for the advice.
    public static func directory(_ path: String, option: String) -> DoctorFinding {
        let check = "state.directory"
        guard let found = SystemFacts.file(path) else {
            let reason = String(cString: strerror(errno))
            return .failure(
                check, "\(path) cannot be looked at: \(reason)",
                advice: "it is made by the first start or enrolment; name another one with \(option)")
        }
        guard found.isDirectory else {
            return .failure(check, "\(path) is no directory", advice: "name a directory with \(option)")
        }
        let mode = text(found.permissions)
        if found.permissions & 0o022 != 0 {
            return .failure(
                check, "\(path) may be written by others (mode \(mode))", advice: "chmod 700 \(path)")
        }
        guard access(path, R_OK | W_OK | X_OK) == 0 else {
            return .failure(
                check,
                "\(path) may not be used by \(SystemFacts.name(ofUser: SystemFacts.user)): it belongs to "
                    + "\(SystemFacts.name(ofUser: found.owner)), mode \(mode)",
                advice:
                    "run this as the user that runs the program (sudo -u USER), or name another one with \(option)"
            )
        }
        if found.permissions & 0o077 != 0 {
            return .warning(
                check, "\(path) may be looked into by others (mode \(mode))", advice: "chmod 700 \(path)")
        }
        return .good(
            check, "\(path) is there, only for \(SystemFacts.name(ofUser: found.owner)) (mode \(mode))")
    }

    /// Checks that secrets may be read by their owner only, and that all belong to the owner of the directory.
    ///
    /// - Parameters:
    ///   - secrets: files; those that are not there are left out.
    ///   - directory: whose owner is the right one.
    public static func secrets(_ secrets: [String], in directory: String) -> DoctorFinding {
        let check = "state.secrets"
        let found = secrets.compactMap { path in SystemFacts.file(path).map { (path, $0) } }
        guard let owner = SystemFacts.file(directory)?.owner, !found.isEmpty else {
            return .skipped(check, "there are no keys yet")
        }
        let open = found.filter { $0.1.permissions & 0o077 != 0 }.map(\.0)
        if !open.isEmpty {
            return .failure(
                check, "\(list(open)) may be read or written by others",
                advice: "chmod 600 \(open.joined(separator: " "))"
            )
        }
        let foreign = found.filter { $0.1.owner != owner }.map(\.0)
        if !foreign.isEmpty {
            let name = SystemFacts.name(ofUser: owner)
            return .failure(
                check,
                "\(list(foreign)) \(foreign.count == 1 ? "does" : "do") not belong to \(name), whose directory it is",
                advice: "chown \(name) \(foreign.joined(separator: " "))")
        }
        return .good(
            check, "\(found.count) \(found.count == 1 ? "file" : "files") with secrets, only for their owner")
    }

    /// The files of a directory whose names end so; empty where it cannot be read.
    public static func files(in directory: String, suffix: String) -> [String] {
        (SystemFacts.entries(directory) ?? []).filter { $0.hasSuffix(suffix) }.map { "\(directory)/\($0)" }
    }

    /// Whether there is something at a path.
    public static func exists(_ path: String) -> Bool { SystemFacts.file(path) != nil }

    /// The process that holds the lock of a state directory; nil where nobody does. Takes no lock itself.
    public static func lockHolder(_ path: String) -> Int32? { SystemFacts.lockHolder(path) }

    private static func list(_ paths: [String]) -> String {
        paths.count <= 3
            ? paths.joined(separator: ", ")
            : paths.prefix(3).joined(separator: ", ") + " and \(paths.count - 3) more"
    }

    private static func text(_ permissions: UInt32) -> String {
        let digits = String(permissions, radix: 8)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }
}
