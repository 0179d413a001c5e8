/// Decides where the rows of an output go on in another batch: where the topic or a field's type changes, and
/// where one batch would have too many fields or bytes.
struct OutputSplitter {
    /// What the rows of one batch may take: names and units, said once, take at most 64 KiB of its 1 MiB.
    static let mostBytes = TransformLimits.batchBytes - (64 << 10)

    private let columns: [WorkColumn]
    private let batch: ReadingBatch
    /// Columns whose rows differ in type, by position.
    private let mixed: [Int]
    /// Whether there are so many columns that fields have to be counted.
    private let isWide: Bool
    /// Whether there are so many bytes that they have to be counted.
    private let isLong: Bool

    /// The topic of the batch that is being filled.
    private(set) var topic: String?
    private var types: [Int: FieldType] = [:]
    private var fields: Set<Int> = []
    private var bytes = 0

    /// - Parameter isLong: whether all rows together may be more than one batch may have.
    init(columns: [WorkColumn], batch: ReadingBatch, isLong: Bool) {
        self.columns = columns
        self.batch = batch
        self.isLong = isLong
        isWide = columns.count > TransformLimits.fields
        mixed = columns.indices.filter { if case .mixed = columns[$0].values { true } else { false } }
    }

    /// Whether only a topic can make another batch necessary.
    var neverSplits: Bool { mixed.isEmpty && !isWide && !isLong }

    /// Whether a row begins another batch.
    func mustSplit(before row: Int, topic: String?, isFirst: Bool) -> Bool {
        if isFirst { return false }
        if topic != self.topic { return true }
        for position in mixed where !columns[position].isAbsent(at: row) {
            if let type = types[position], type != columns[position].type(at: row) { return true }
        }
        if isLong, bytes + self.bytes(of: row) > Self.mostBytes { return true }
        return isWide && fields.union(presentFields(of: row)).count > TransformLimits.fields
    }

    /// Begins another batch.
    mutating func begin() {
        types = [:]
        fields = []
        bytes = 0
    }

    /// Takes a row into the batch.
    mutating func take(_ row: Int, topic: String?) {
        self.topic = topic
        for position in mixed where !columns[position].isAbsent(at: row) {
            types[position] = columns[position].type(at: row)
        }
        if isLong { bytes += bytes(of: row) }
        if isWide { fields.formUnion(presentFields(of: row)) }
    }

    private func presentFields(of row: Int) -> [Int] {
        columns.indices.filter { !columns[$0].isAbsent(at: row) }
    }

    // MARK: Size

    /// About how many bytes all rows take, at most: a sum over texts, and nothing to look at but their lengths.
    static func mostBytes(of columns: [WorkColumn], in batch: ReadingBatch) -> Int {
        var sum = 16 * batch.count
        for trace in batch.traces.values { sum += trace.utf8.count }
        for status in batch.statuses.values { sum += status.reason.utf8.count }
        for column in columns { sum += column.mostBytes }
        return sum
    }

    /// About how many bytes a row takes.
    func bytes(of row: Int) -> Int {
        var sum = 16 + (batch.traces[row]?.utf8.count ?? 0) + (batch.statuses[row]?.reason.utf8.count ?? 0)
        for column in columns where !column.isAbsent(at: row) { sum += column.bytes(at: row) }
        return sum
    }
}

extension WorkColumn {
    /// Whether a row lacks the field.
    func isAbsent(at row: Int) -> Bool { RowList.contains(row, in: absentRows) }
}
