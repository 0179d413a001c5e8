import FoundationEssentials
public import StreamStore

/// What a look at a program's database means.
public enum DatabaseChecks {
    /// Judges what an inspection found.
    public static func database(_ inspection: DatabaseInspection, path: String) -> DoctorFinding {
        let check = "database"
        guard inspection.quickCheck == "ok" else {
            return .failure(
                check, "\(path) is damaged: \(inspection.quickCheck)",
                advice: "stop the program and restore the state directory from a backup")
        }
        guard inspection.journalMode == "wal" else {
            return .failure(
                check, "\(path) has the journal mode \(inspection.journalMode), not wal",
                advice: "start the program once: it sets the mode")
        }
        guard inspection.synchronous == 2 else {
            return .failure(
                check,
                "commits to \(path) would not survive a power cut (synchronous is \(inspection.synchronous), not 2)",
                advice: "this SQLite cannot sync; use another build of it")
        }
        if let salvage = inspection.salvages.first {
            return .warning(
                check,
                "\(path) was damaged (\(salvage.cause)) and made anew at \(salvage.time.formatted(.iso8601)): \(salvage.saved) "
                    + "rows were saved, \(salvage.unreadable) could not be read",
                advice: "look at the disk: it loses data; the ledger names the messages that are gone")
        }
        return .good(
            check,
            "\(path) is whole (quick_check), and commits are synced (WAL, synchronous FULL)"
                + (inspection.hasBallast ? "; the ballast for a full disk is there" : ""))
    }

    /// Says that a database cannot be looked at.
    public static func failed(_ error: any Error) -> DoctorFinding {
        .failure(
            "database", "\(error)", advice: "run this as the user that runs the program, and see its log")
    }
}
