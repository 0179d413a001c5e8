/// One process as `/proc/PID/stat` has it.
struct ProcessEntry: Hashable, Sendable {
    /// The process.
    let pid: Int32
    /// Its parent.
    let parent: Int32
    /// Its group.
    let group: Int32
    /// Its session.
    let session: Int32
    /// Whether it has ended and only waits to be collected.
    let isZombie: Bool
    /// When it began, in ticks since the machine's start; with the number it is unmistakable until the next
    /// start.
    let startTime: UInt64
    /// Ticks of processor time, those of children that were waited for included.
    let ticks: UInt64
    /// Resident memory in pages.
    let residentPages: Int

    /// What tells a process from every other one until the next start of the machine.
    struct Identity: Hashable, Sendable {
        let pid: Int32
        let startTime: UInt64
    }

    /// Which process it is.
    var identity: Identity { Identity(pid: pid, startTime: startTime) }

    /// Reads the content of a `stat` file; nil where it is not one.
    init?(_ text: String) {
        // The name of the program, in parentheses, may hold spaces and parentheses itself.
        guard let open = text.firstIndex(of: "("), let close = text.lastIndex(of: ")"), open < close,
            let pid = Int32(text[..<open].filter { $0 != " " })
        else { return nil }
        let fields = text[text.index(after: close)...].split(whereSeparator: { $0 == " " || $0 == "\n" })
        guard fields.count > 21, let parent = Int32(fields[1]), let group = Int32(fields[2]),
            let session = Int32(fields[3]), let startTime = UInt64(fields[19]), let pages = Int(fields[21])
        else { return nil }
        self.pid = pid
        self.parent = parent
        self.group = group
        self.session = session
        isZombie = fields[0] == "Z" || fields[0] == "X"
        self.startTime = startTime
        ticks = fields[11...14].reduce(0) { $0 + (UInt64($1) ?? 0) }
        residentPages = pages
    }
}
