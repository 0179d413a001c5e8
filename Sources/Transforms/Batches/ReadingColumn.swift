/// One field of every reading in a batch.
public struct ReadingColumn: Hashable, Sendable {
    /// Values of one type, one a row. The entry of a row that lacks the field means nothing.
    public enum Values: Hashable, Sendable {
        /// Real numbers.
        case doubles([Double])
        /// Whole numbers.
        case integers([Int64])
        /// Truth values.
        case bools([Bool])
        /// Texts.
        case strings([String])

        /// Number of entries.
        public var count: Int {
            switch self {
            case .doubles(let values): values.count
            case .integers(let values): values.count
            case .bools(let values): values.count
            case .strings(let values): values.count
            }
        }

        /// Their type.
        public var type: FieldType {
            switch self {
            case .doubles: .double
            case .integers: .int
            case .bools: .bool
            case .strings: .string
            }
        }
    }

    /// Field name, 1 to 128 bytes, unique in the batch.
    public var name: String
    /// Unit, at most 64 bytes; empty where the field has none.
    public var unit: String
    /// The values.
    public var values: Values
    /// Rows that lack this field, ascending and without repeats.
    public var absentRows: [Int]

    /// Makes a column.
    public init(name: String, unit: String = "", values: Values, absentRows: [Int] = []) {
        self.name = name
        self.unit = unit
        self.values = values
        self.absentRows = absentRows
    }
}
