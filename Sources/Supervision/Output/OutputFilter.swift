#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Makes lines of what a program writes: cuts long ones, folds repeated ones, and drops and counts what
/// exceeds a rate.
///
/// What it holds is bounded: one line, and the one before.
struct OutputFilter: Sendable {
    /// Most bytes of a line; the rest of it is dropped, with a mark.
    static let maximumLine = 4 << 10
    /// Bytes that a program may write a second in the long run.
    static let rate = 128 << 10
    /// Bytes that it may write at once after it was quiet.
    static let burst = 1 << 20
    /// How long repeated or dropped lines are counted before it is said how many there were.
    static let sayAfter: Duration = .seconds(5)

    private static let overhead = 26
    private var partial: [UInt8] = []
    private var isCutting = false
    private var last: [UInt8]?
    private var repeats = 0
    private var droppedLines = 0
    private var droppedBytes = 0
    private var countingSince: Duration?
    private var allowance = Double(burst)
    private var filledAt: Duration?

    /// Takes bytes as they come.
    ///
    /// - Parameters:
    ///   - now: time on any clock that goes forward.
    ///   - emit: gets each line, without its end.
    mutating func take(
        _ bytes: UnsafeRawBufferPointer, now: Duration, emit: (String) -> Void
    ) {
        fill(now)
        var rest = bytes[...]
        while let base = UnsafeRawBufferPointer(rebasing: rest).baseAddress {
            guard let newline = memchr(base, 0x0a, rest.count) else {
                keep(rest)
                break
            }
            let length = UnsafeRawPointer(newline) - base
            let line = rest.prefix(length)
            rest = rest.dropFirst(length + 1)
            if partial.isEmpty, !isCutting, length <= Self.maximumLine {
                end(line, isCut: false, now: now, emit: emit)
            } else {
                keep(line)
                let whole = partial
                let isCut = isCutting
                partial.removeAll(keepingCapacity: true)
                isCutting = false
                whole.withUnsafeBytes { end($0[...], isCut: isCut, now: now, emit: emit) }
            }
        }
        if let since = countingSince, now - since >= Self.sayAfter { say(emit: emit) }
    }

    /// Says what was counted and gives out what is there of a line: the program has ended.
    mutating func finish(now: Duration, emit: (String) -> Void) {
        if !partial.isEmpty {
            let whole = partial
            partial = []
            whole.withUnsafeBytes { end($0[...], isCut: isCutting, now: now, emit: emit) }
            isCutting = false
        }
        say(emit: emit)
        last = nil
    }

    /// Says what was counted; for somebody who calls this now and then, because nothing more may come.
    mutating func idle(now: Duration, emit: (String) -> Void) {
        fill(now)
        say(emit: emit)
    }

    // MARK: Lines

    private mutating func keep(_ bytes: Slice<UnsafeRawBufferPointer>) {
        let room = Self.maximumLine - partial.count
        if bytes.count > room { isCutting = true }
        partial.append(contentsOf: bytes.prefix(room))
    }

    private mutating func end(
        _ line: Slice<UnsafeRawBufferPointer>, isCut: Bool, now: Duration, emit: (String) -> Void
    ) {
        let line = UnsafeRawBufferPointer(rebasing: line.last == 0x0d ? line.dropLast() : line)
        if let last, !isCut, Self.isSame(last, line) {
            repeats += 1
            if countingSince == nil { countingSince = now }
            return
        }
        // With the time before it and its end: what it takes in the file.
        let cost = Double(line.count + Self.overhead)
        guard allowance >= cost else {
            droppedLines += 1
            droppedBytes += line.count + 1
            if countingSince == nil { countingSince = now }
            return
        }
        if repeats > 0 || droppedLines > 0 { say(emit: emit) }
        allowance -= cost
        last = isCut ? nil : Array(line)
        emit(Self.text(line) + (isCut ? " [cut]" : ""))
    }

    private mutating func say(emit: (String) -> Void) {
        if repeats > 0 { emit("[last line repeated \(repeats) times]") }
        if droppedLines > 0 {
            let what = "\(droppedLines) lines of \(droppedBytes) bytes dropped"
            emit("[\(what): more than \(Self.rate) bytes a second]")
            // The next line does not follow the one that stands last.
            last = nil
        }
        repeats = 0
        droppedLines = 0
        droppedBytes = 0
        countingSince = nil
    }

    private mutating func fill(_ now: Duration) {
        if let filledAt, now > filledAt {
            let seconds = (now - filledAt) / .seconds(1)
            // A whole second's worth at least, so that under a flood some lines in a row are seen and then
            // none.
            guard seconds >= 1 || allowance >= Double(Self.maximumLine) else { return }
            allowance = min(allowance + seconds * Double(Self.rate), Double(Self.burst))
        }
        filledAt = now
    }

    private static func isSame(_ last: [UInt8], _ line: UnsafeRawBufferPointer) -> Bool {
        guard last.count == line.count else { return false }
        guard let base = line.baseAddress, !last.isEmpty else { return true }
        return last.withUnsafeBytes { memcmp($0.baseAddress ?? base, base, line.count) == 0 }
    }

    /// As text that harms no terminal: controls but tab become `?`, what is no UTF-8 is replaced.
    private static func text(_ line: UnsafeRawBufferPointer) -> String {
        var bytes = Array(line)
        for index in bytes.indices where (bytes[index] < 0x20 && bytes[index] != 0x09) || bytes[index] == 0x7f
        {
            bytes[index] = UInt8(ascii: "?")
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
