/// One thing that a program tells its service manager.
public enum ServiceNotification: Hashable, Sendable {
    /// The program does what it is for, or waits for what it needs for that and says so.
    case ready
    /// It has begun to end.
    case stopping
    /// Its engine is alive.
    case watchdog
    /// What it does, one line for people.
    case status(String)

    /// Most bytes of a status; what is longer is cut.
    public static let maximumStatus = 500

    /// The line as sd_notify(3) defines it.
    var line: String {
        switch self {
        case .ready: "READY=1"
        case .stopping: "STOPPING=1"
        case .watchdog: "WATCHDOG=1"
        case .status(let text):
            // A line break would end the assignment, and what follows would be taken for another one.
            "STATUS="
                + String(
                    decoding: text.utf8.map { $0 < 0x20 ? UInt8(ascii: " ") : $0 }.prefix(Self.maximumStatus),
                    as: UTF8.self)
        }
    }
}
