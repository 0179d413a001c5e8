/// Programs stand back where processors are scarce: what the core itself has to do comes first.
///
/// Two things say so to Linux: the nice value, among the processes of one session, and the nice value of the
/// session, where the kernel shares processors between sessions first (`man 7 sched`, "The autogroup feature").
/// A program may begin sessions, each with a share of its own, so this is looked at again from time to time.
enum ProgramPriority {
    /// The nice value: a tenth of the share of a process with 0 (each step is about 1.25).
    static let nice = 10

    /// Puts the sessions of these processes back. Blocks; does nothing where the kernel knows no such thing.
    static func lowerSessions(of entries: [ProcessEntry]) {
        // Any process says which group its session has, its leader may be gone.
        for entry in Dictionary(entries.map { ($0.session, $0) }, uniquingKeysWith: { one, _ in one }).values
        {
            let path = "/proc/\(entry.pid)/autogroup"
            guard let text = ProcFile.text(path), !text.isEmpty, !text.hasSuffix("nice \(nice)\n") else {
                continue
            }
            // Where the kernel refuses, the next look tries again.
            _ = ProcFile.write("\(nice)", to: path)
        }
    }
}
