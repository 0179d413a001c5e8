import Expressions

/// Makes of what the rows of a batch do to a shadow one update after the other: as few as come to the same as all of
/// them, row by row.
struct ShadowMerger {
    private let changes: [ShadowChange]
    private let name: String
    private(set) var updates: [TransformResult.ShadowUpdate] = []

    private var values: [ShadowPlace: Value] = [:]
    private var rows: [Int] = []
    private var bytes = 0

    /// - Parameter changes: those of one shadow, in the order of the steps.
    init(_ changes: [ShadowChange], name: String) {
        self.changes = changes
        self.name = name
    }

    mutating func run() {
        if changes.contains(where: { change in change.columns.contains { $0.hasMap(in: change.rows) } }) {
            mergeRows()
        } else {
            takeNewest()
        }
        flush()
    }

    // MARK: Plain values

    /// Of plain values the last one of each place counts.
    private mutating func takeNewest() {
        var newest: [ShadowPlace: Int] = [:]
        for change in changes {
            rows = RowList.union(rows, change.rows)
            for column in change.columns {
                // Within one row the later step counts.
                guard let row = column.lastRow(of: change.rows), row >= newest[column.place] ?? row,
                    let value = column.value(at: row)
                else { continue }
                newest[column.place] = row
                values[column.place] = value
            }
        }
    }

    // MARK: Maps

    /// A map is merged into what is there, so that the order of all rows counts.
    private mutating func mergeRows() {
        var positions = Array(repeating: 0, count: changes.count)
        for row in changes.reduce([], { RowList.union($0, $1.rows) }) {
            for (index, change) in changes.enumerated() {
                guard positions[index] < change.rows.count, change.rows[positions[index]] == row
                else { continue }
                positions[index] += 1
                take(change, row)
            }
        }
    }

    private mutating func take(_ change: ShadowChange, _ row: Int) {
        let new = change.columns.compactMap { column in
            column.value(at: row).map { (place: column.place, value: $0) }
        }
        let weight = new.reduce(0) { $0 + $1.place.key.utf8.count + $1.value.shadowBytes }
        var merged: [(place: ShadowPlace, value: Value)] = []
        for (place, value) in new {
            guard let value = Self.composed(values[place], value) else { break }
            merged.append((place, value))
        }
        // What cannot be said in one update with what came before it, or would not fit, is one of its own.
        if merged.count < new.count || bytes + weight > TransformLimits.shadowBytes {
            flush()
            merged = new
        }
        for (place, value) in merged { values[place] = value }
        if rows.last != row { rows.append(row) }
        bytes += weight
    }

    /// One value that does the same as two, one after the other; nil where there is none: a map that follows something
    /// else begins anew, and an empty one brings back what is gone, which an update cannot say.
    private static func composed(_ old: Value?, _ new: Value) -> Value? {
        guard let old, case .map(let change) = new else { return new }
        guard case .map(let map) = old, change.count > 0 || map.count == 0 else { return nil }
        var result = ValueMap()
        for entry in map.entries {
            guard let value = change[entry.key] else {
                result.insert(entry.value, for: entry.key)
                continue
            }
            guard let both = composed(entry.value, value) else { return nil }
            result.insert(both, for: entry.key)
        }
        for entry in change.entries where map[entry.key] == nil { result.insert(entry.value, for: entry.key) }
        return .map(result)
    }

    private mutating func flush() {
        defer { (values, rows, bytes) = ([:], [], 0) }
        if values.isEmpty { return }
        func section(_ section: ShadowPlace.Section) -> [String: Value] {
            var members: [String: Value] = [:]
            for (place, value) in values where place.section == section { members[place.key] = value }
            return members
        }
        updates.append(
            TransformResult.ShadowUpdate(
                name: name, reported: section(.reported), desired: section(.desired), rows: rows))
    }
}
