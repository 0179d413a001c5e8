/// Collects the values of a field row by row, unboxed as long as they are of one type.
struct ColumnBuilder {
    private enum Storage {
        case empty
        case doubles([Double])
        case integers([Int64])
        case bools([Bool])
        case strings([String])
        case mixed([ReadingValue])
    }

    private let count: Int
    private var storage = Storage.empty

    /// - Parameter count: rows of the batch.
    init(count: Int) { self.count = count }

    /// Sets the value of a row.
    mutating func set(_ value: ReadingValue, at row: Int) {
        switch (storage, value) {
        case (.empty, _):
            storage = Self.filled(with: value, count: count)
        case (.doubles(var values), .double(let value)):
            storage = .empty
            values[row] = value
            storage = .doubles(values)
        case (.integers(var values), .int(let value)):
            storage = .empty
            values[row] = value
            storage = .integers(values)
        case (.bools(var values), .bool(let value)):
            storage = .empty
            values[row] = value
            storage = .bools(values)
        case (.strings(var values), .string(let value)):
            storage = .empty
            values[row] = value
            storage = .strings(values)
        case (.mixed(var values), _):
            storage = .empty
            values[row] = value
            storage = .mixed(values)
        case (.doubles(let values), _): mix(values.map { .double($0) }, value, at: row)
        case (.integers(let values), _): mix(values.map { .int($0) }, value, at: row)
        case (.bools(let values), _): mix(values.map { .bool($0) }, value, at: row)
        case (.strings(let values), _): mix(values.map { .string($0) }, value, at: row)
        }
    }

    /// The values; nil where no row was set.
    var values: WorkColumn.Values? {
        switch storage {
        case .empty: nil
        case .doubles(let values): .typed(.doubles(values))
        case .integers(let values): .typed(.integers(values))
        case .bools(let values): .typed(.bools(values))
        case .strings(let values): .typed(.strings(values))
        case .mixed(let values): .mixed(values)
        }
    }

    /// A column that has the same value in each row.
    static func constant(_ value: ReadingValue, count: Int) -> ReadingColumn.Values {
        switch value {
        case .double(let value): .doubles(Array(repeating: value, count: count))
        case .int(let value): .integers(Array(repeating: value, count: count))
        case .bool(let value): .bools(Array(repeating: value, count: count))
        case .string(let value): .strings(Array(repeating: value, count: count))
        }
    }

    private static func filled(with value: ReadingValue, count: Int) -> Storage {
        switch constant(value, count: count) {
        case .doubles(let values): .doubles(values)
        case .integers(let values): .integers(values)
        case .bools(let values): .bools(values)
        case .strings(let values): .strings(values)
        }
    }

    private mutating func mix(_ values: [ReadingValue], _ value: ReadingValue, at row: Int) {
        var values = values
        values[row] = value
        storage = .mixed(values)
    }
}
