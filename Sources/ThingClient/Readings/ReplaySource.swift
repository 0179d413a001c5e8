public import Foundation
import PKI

/// Plays a recording: a CSV file with a header, one column of times and any number of columns of values.
///
/// - The column of times is called `time`, `timestamp`, `date` or `datetime` (case aside), unless another one
///   is named. Times are ISO 8601 (UTC where they have no offset), or seconds or milliseconds since 1970.
/// - A header `temperature[°C]` names the field `temperature` with the unit `°C`.
/// - Numbers are real numbers, `true` and `false` are truth values, an empty field is absent, anything else is
///   text. A line without any value is skipped.
///
/// Read in pieces of 64 KiB, so that a file of any size plays in little memory.
public struct ReplaySource: ReadingSource {
    private let path: String
    private let speed: Double
    private let loops: Bool
    private let restamps: Bool
    private let timeColumnName: String?

    private var file: FileHandle?
    private var parser = CSVParser()
    private var records = FIFO<CSVParser.Record>()
    private var columns: [Column] = []
    private var timeColumn = 0
    private var columnCount = 0
    private var previous: Date?
    private var first: Date?
    /// What looping adds to the recorded times, so that they keep growing.
    private var shift: TimeInterval = 0
    private var readingsInPass = 0
    /// Asked for and not taken yet.
    private var pending: SourcedReading?

    private struct Column: Sendable {
        let index: Int
        let name: String
        let unit: String
    }

    /// Opens nothing yet.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - speed: 1 for real time, 10 for ten times as fast, `infinity` for as fast as it goes. Above 0.
    ///   - loops: Begins again at the end, with times that go on growing.
    ///   - restamps: Gives readings the time of their replay instead of the recorded one.
    ///   - timeColumn: Name of the column of times.
    /// - Throws: ``ThingError/invalidConfiguration(_:)`` for a speed that is not above 0.
    public init(
        path: String, speed: Double = 1, loops: Bool = false, restamps: Bool = false,
        timeColumn: String? = nil
    ) throws {
        guard speed > 0 else {
            throw ThingError.invalidConfiguration("The speed of a replay is above 0, not \(speed).")
        }
        self.path = path
        self.speed = speed
        self.loops = loops
        self.restamps = restamps
        self.timeColumnName = timeColumn
    }

    /// The recorded distance from the reading before; nil at the end of a file that is not looped.
    ///
    /// - Throws: ``CSVError``, which names file and line.
    public mutating func nextDelay(after now: Date) async throws -> Duration? {
        if pending == nil { pending = try await fetch() }
        return pending?.delay
    }

    /// The recorded reading; nil at the end of a file that is not looped.
    ///
    /// - Throws: ``CSVError``, which names file and line.
    public mutating func read(at now: Date) async throws -> SourcedReading? {
        if pending == nil { pending = try await fetch() }
        defer { pending = nil }
        return pending
    }

    private mutating func fetch() async throws -> SourcedReading? {
        if file == nil { try await open() }
        while true {
            guard let record = try await nextRecord() else {
                guard loops, readingsInPass > 0 else { return nil }
                try await rewind()
                continue
            }
            let (time, values, units) = try reading(in: record)
            guard !values.isEmpty else { continue }
            let shifted = time.addingTimeInterval(shift)
            // Clocks of recorders go back at times; such a reading is due at once.
            let gap = previous.map { max(shifted.timeIntervalSince($0), 0) / speed } ?? 0
            if first == nil { first = time }
            previous = max(previous ?? shifted, shifted)
            readingsInPass += 1
            return SourcedReading(
                delay: .seconds(min(gap, 1e9)), time: restamps ? nil : shifted, values: values, units: units)
        }
    }

    /// Recordings have a pace of their own.
    public mutating func setInterval(_ interval: Duration) -> Bool { false }

    // MARK: file

    private mutating func open() async throws {
        let path = path
        do {
            file = try await BlockingIO.run {
                try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
            }
        } catch {
            throw CSVError(file: path, line: 0, problem: "the file cannot be opened; check its path and mode")
        }
        guard let header = try await nextRecord() else {
            throw CSVError(
                file: path, line: 1, problem: "the file is empty; its first line names the columns")
        }
        try read(header)
    }

    private mutating func rewind() async throws {
        guard let file else { return }
        do { try await BlockingIO.run { try file.seek(toOffset: 0) } } catch {
            throw CSVError(file: path, line: 0, problem: "the file cannot be read again from its start")
        }
        parser = CSVParser()
        _ = try await nextRecord()
        // The pause between two passes is the mean distance of two readings.
        if let first, let previous {
            let length = previous.timeIntervalSince(first.addingTimeInterval(shift))
            shift += length + length / Double(max(readingsInPass - 1, 1))
        }
        readingsInPass = 0
        first = nil
    }

    private mutating func nextRecord() async throws -> CSVParser.Record? {
        while true {
            if let record = records.popFirst() { return record }
            guard let file else { return nil }
            let bytes: Data?
            do { bytes = try await BlockingIO.run { try file.read(upToCount: 64 << 10) } } catch {
                throw CSVError(file: path, line: 0, problem: "the file cannot be read further: \(error)")
            }
            var complete: [CSVParser.Record] = []
            do throws(CSVParser.Malformed) {
                if let bytes, !bytes.isEmpty {
                    try parser.feed(bytes, into: &complete)
                } else {
                    try parser.finish(into: &complete)
                    if complete.isEmpty { return nil }
                }
            } catch {
                throw CSVError(file: path, line: error.line, problem: error.problem)
            }
            for record in complete { records.append(record) }
        }
    }

    // MARK: records

    private mutating func read(_ header: CSVParser.Record) throws {
        let names = header.fields.map { $0.trimmingCharacters(in: .whitespaces) }
        let wanted = timeColumnName.map { [$0] } ?? ["time", "timestamp", "datetime", "date"]
        let found = wanted.lazy.compactMap { name in
            names.firstIndex { $0.caseInsensitiveCompare(name) == .orderedSame }
        }.first
        guard let found else {
            throw CSVError(
                file: path, line: header.line,
                problem: "no column is called \(wanted.joined(separator: " or ")); the header has "
                    + names.joined(separator: ", "))
        }
        timeColumn = found
        columnCount = names.count
        var seen: Set<String> = []
        for (index, text) in names.enumerated() where index != found {
            let column = Self.column(text, index: index)
            if column.name.isEmpty {
                throw CSVError(file: path, line: header.line, problem: "column \(index + 1) has no name")
            }
            if !seen.insert(column.name).inserted {
                throw CSVError(
                    file: path, line: header.line, problem: "two columns are called \(column.name)")
            }
            columns.append(column)
        }
        if columns.isEmpty {
            throw CSVError(
                file: path, line: header.line, problem: "there is no column of values beside the time")
        }
    }

    private static func column(_ text: String, index: Int) -> Column {
        guard text.hasSuffix("]"), let bracket = text.lastIndex(of: "[") else {
            return Column(index: index, name: text, unit: "")
        }
        let unit = text[text.index(after: bracket)...].dropLast()
        return Column(
            index: index, name: text[..<bracket].trimmingCharacters(in: .whitespaces),
            unit: unit.trimmingCharacters(in: .whitespaces))
    }

    private func reading(
        in record: CSVParser.Record
    ) throws -> (Date, [String: ReadingValue], [String: String]) {
        guard record.fields.count == columnCount else {
            throw CSVError(
                file: path, line: record.line,
                problem: "the line has \(record.fields.count) fields, the header \(columnCount)")
        }
        guard let time = RecordedTime.parse(record.fields[timeColumn]) else {
            throw CSVError(
                file: path, line: record.line,
                problem:
                    "\"\(record.fields[timeColumn].prefix(40))\" is no time; allowed are ISO 8601 and seconds or "
                    + "milliseconds since 1970")
        }
        var values: [String: ReadingValue] = [:]
        var units: [String: String] = [:]
        for column in columns {
            guard let value = Self.value(record.fields[column.index]) else { continue }
            values[column.name] = value
            if !column.unit.isEmpty { units[column.name] = column.unit }
        }
        return (time, values, units)
    }

    private static func value(_ text: String) -> ReadingValue? {
        let text = text.trimmingCharacters(in: .whitespaces)
        if text.isEmpty { return nil }
        // Always real: a column that says 21 once and 21.5 later is one column.
        // Recorders write nan where a sample is missing.
        if let number = Double(text) { return number.isFinite ? .double(number) : nil }
        switch text.lowercased() {
        case "true": return .bool(true)
        case "false": return .bool(false)
        default: return .string(text)
        }
    }
}
