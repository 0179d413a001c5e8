/// Splits comma-separated values into records as the bytes come (RFC 4180: quotes, doubled quotes, line ends
/// within quotes; LF and CRLF; empty lines are skipped; a byte-order mark is ignored).
struct CSVParser: Sendable {
    /// A record and the line where it begins.
    struct Record: Hashable, Sendable {
        let line: Int
        let fields: [String]
    }

    /// What breaks the format, and where.
    struct Malformed: Error, Hashable {
        let line: Int
        let problem: String
    }

    /// Most bytes of one record.
    static let longestRecord = 1 << 20
    /// Most fields of one record: 256 values and a time.
    static let mostFields = 257

    private enum State {
        case startOfField, plain, quoted, quoteInQuoted, startOfFile
    }

    private var state = State.startOfFile
    private var field: [UInt8] = []
    private var fields: [String] = []
    private var recordBytes = 0
    private var line = 1
    private var recordLine = 1
    private var mark: [UInt8] = []

    /// Takes bytes and adds the records that they complete.
    mutating func feed(_ bytes: some Sequence<UInt8>, into records: inout [Record]) throws(Malformed) {
        for byte in bytes { try feed(byte, &records) }
    }

    /// The end of the file: completes the last record where it has no line end.
    mutating func finish(into records: inout [Record]) throws(Malformed) {
        if state == .quoted {
            throw Malformed(line: recordLine, problem: "a quoted field does not end before the file does")
        }
        if recordBytes > 0 { try endRecord(&records) }
    }

    private mutating func feed(_ byte: UInt8, _ records: inout [Record]) throws(Malformed) {
        if state == .startOfFile {
            let expected: [UInt8] = [0xEF, 0xBB, 0xBF]
            if byte == expected[mark.count] {
                mark.append(byte)
                if mark.count == 3 { state = .startOfField }
                return
            }
            state = .startOfField
            for byte in mark { try feed(byte, &records) }
        }
        switch (state, byte) {
        case (.quoted, UInt8(ascii: "\"")): state = .quoteInQuoted
        case (.quoted, _):
            if byte == UInt8(ascii: "\n") { line += 1 }
            try append(byte)
        case (.quoteInQuoted, UInt8(ascii: "\"")):
            state = .quoted
            try append(byte)
        case (_, UInt8(ascii: ",")):
            recordBytes += 1
            try endField()
        case (_, UInt8(ascii: "\n")):
            line += 1
            if recordBytes > 0 { try endRecord(&records) }
            recordLine = line
        case (_, UInt8(ascii: "\r")): break
        case (.startOfField, UInt8(ascii: "\"")):
            recordBytes += 1
            state = .quoted
        case (.quoteInQuoted, _):
            throw Malformed(line: line, problem: "text follows the closing quote of a field")
        default:
            state = .plain
            try append(byte)
        }
    }

    private mutating func append(_ byte: UInt8) throws(Malformed) {
        recordBytes += 1
        if recordBytes > Self.longestRecord {
            throw Malformed(line: recordLine, problem: "a record has more than 1 MiB; is a quote missing?")
        }
        field.append(byte)
    }

    private mutating func endField() throws(Malformed) {
        guard let text = String(validating: field, as: UTF8.self) else {
            throw Malformed(line: recordLine, problem: "field \(fields.count + 1) is not UTF-8")
        }
        fields.append(text)
        field.removeAll(keepingCapacity: true)
        state = .startOfField
        if fields.count > Self.mostFields {
            throw Malformed(line: recordLine, problem: "a record has more than \(Self.mostFields) fields")
        }
    }

    private mutating func endRecord(_ records: inout [Record]) throws(Malformed) {
        try endField()
        records.append(Record(line: recordLine, fields: fields))
        fields = []
        recordBytes = 0
    }
}
