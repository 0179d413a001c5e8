extension ReadingBatch {
    /// Checks that the parts fit each other: one value a row in each column, names unique, indices in range.
    ///
    /// - Throws: ``InvalidReadingBatch`` that names the first part that does not fit.
    public func validate() throws(InvalidReadingBatch) {
        var names: Set<String> = []
        for column in columns {
            if column.name.isEmpty { throw InvalidReadingBatch("a field has an empty name") }
            if !names.insert(column.name).inserted {
                throw InvalidReadingBatch("the field \"\(column.name)\" is there twice")
            }
            if column.values.count != count {
                throw InvalidReadingBatch(
                    "the field \"\(column.name)\" has \(column.values.count) values for \(count) readings")
            }
            guard column.hasOrderedAbsentRows(below: count) else {
                throw InvalidReadingBatch(
                    "the absent rows of \"\(column.name)\" are not ascending indices below \(count)")
            }
        }
        if let row = statuses.keys.first(where: { !times.indices.contains($0) }) {
            throw InvalidReadingBatch("a status names row \(row) of \(count)")
        }
        if let row = traces.keys.first(where: { !times.indices.contains($0) }) {
            throw InvalidReadingBatch("a trace names row \(row) of \(count)")
        }
    }
}

extension ReadingColumn {
    fileprivate func hasOrderedAbsentRows(below count: Int) -> Bool {
        var before = -1
        for row in absentRows {
            if row <= before || row >= count { return false }
            before = row
        }
        return true
    }
}
