public import FoundationEssentials
import PKI

/// Whether the clock can be believed.
public enum ClockChecks {
    /// A difference to the cloud's clock above this is warned of: 5 s.
    public static let tolerance: TimeInterval = 5

    /// Checks the last known time in a state directory against the system clock. Blocks.
    ///
    /// - Parameters:
    ///   - path: the file of ``PKI/ClockFloor``.
    ///   - now: the system clock.
    public static func floor(path: String, now: Date) -> DoctorFinding {
        let check = "clock.floor"
        guard SystemFacts.file(path) != nil else {
            return .skipped(check, "no time was kept yet in \(path)")
        }
        let floor = ClockFloor(path: path, system: { now })
        if let problem = floor.problem {
            return .warning(
                check, problem, advice: "delete the file: it is written again within a minute of running")
        }
        if let behind = floor.systemClockBehind {
            return .failure(
                check, "the system clock is \(Spans.text(behind)) behind the last time known (\(path))",
                advice:
                    "set the clock; where the clock is right and was once wrong, delete the file while the program is "
                    + "stopped"
            )
        }
        return .good(check, "the system clock is not behind the last time known")
    }

    /// Asks the kernel whether its clock is synchronised.
    public static func synchronisation() -> DoctorFinding {
        synchronisation(SystemFacts.isClockSynchronised())
    }

    static func synchronisation(_ state: Bool?) -> DoctorFinding {
        let check = "clock.synchronised"
        switch state {
        case true?: return .good(check, "the kernel says that the clock is synchronised")
        case false?:
            return .warning(
                check, "the kernel says that the clock is not synchronised",
                advice: "let systemd-timesyncd or chrony keep it (timedatectl set-ntp true)")
        case nil: return .skipped(check, "this system does not say whether its clock is synchronised")
        }
    }

    /// Judges the difference between this clock and the cloud's.
    ///
    /// - Parameters:
    ///   - ahead: how much this clock is ahead, in seconds.
    ///   - uncertainty: how wrong that may be: half of the call's duration.
    public static func difference(ahead: TimeInterval, uncertainty: TimeInterval) -> DoctorFinding {
        let check = "clock.cloud"
        let size = Spans.text(.seconds(abs(ahead)))
        let word = ahead < 0 ? "behind" : "ahead of"
        if abs(ahead) > tolerance + uncertainty {
            return .warning(
                check, "this clock is \(size) \(word) the cloud's",
                advice:
                    "set the one that is wrong; sample times are off by that much, and marked doubtful above 2 min"
            )
        }
        return .good(
            check,
            "this clock and the cloud's differ by less than \(Spans.text(.seconds(tolerance + uncertainty)))")
    }
}
