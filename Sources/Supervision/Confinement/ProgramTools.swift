#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The programs of this machine that confine others; nil where they are not installed. Only their paths:
/// whether they work is another question.
struct ProgramTools: Hashable, Sendable {
    /// bubblewrap.
    let bwrap: String?
    /// Sets the parent-death signal and changes the user (util-linux).
    let setpriv: String?
    /// Sets limits (util-linux).
    let prlimit: String?
    /// Sets the priority (coreutils).
    let nice: String?

    /// What programs have as `PATH` where their plan names none.
    static let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    /// What every machine has.
    static let shell = "/bin/sh"
    /// What every machine has, too.
    static let env = "/usr/bin/env"

    /// Looks for them.
    ///
    /// - Parameter path: directories separated by colons.
    init(path: String = Self.path) {
        func find(_ name: String) -> String? {
            path.split(separator: ":").map { "\($0)/\(name)" }.first { access($0, X_OK) == 0 }
        }
        bwrap = find("bwrap")
        setpriv = find("setpriv")
        prlimit = find("prlimit")
        nice = find("nice")
    }
}
