import GRDB

/// Reads rows of tables out of pages, whatever else of the file is damaged.
struct DatabaseTrees {
    /// A table or an index as the schema has it.
    struct Entry {
        let kind: String
        let name: String
        let root: Int
    }

    /// A row, or an entry of a table without row ids.
    struct Record {
        let rowID: Int64
        let values: [DatabaseValue]
    }

    let pages: DatabasePages
    /// Pages that belong to a tree or a row that was read, by number.
    private var seen: [Bool]
    /// Pages and rows that could not be read.
    private(set) var unreadable = 0

    /// Makes a reader.
    init(_ pages: DatabasePages) {
        self.pages = pages
        seen = [Bool](repeating: false, count: pages.count + 1)
    }

    /// What the schema names.
    mutating func schema() -> [Entry] {
        var entries: [Entry] = []
        walk(root: 1, isTable: true) { record in
            guard record.values.count == 5, let kind = String.fromDatabaseValue(record.values[0]),
                let name = String.fromDatabaseValue(record.values[1]),
                let root = Int.fromDatabaseValue(record.values[3]), root > 1
            else { return }
            entries.append(Entry(kind: kind, name: name, root: root))
        }
        return entries
    }

    /// Reads a tree: a table's rows, or the entries of a table without row ids.
    ///
    /// - Parameter body: Called with what can be read, in no certain order where something is damaged.
    mutating func walk(root: Int, isTable: Bool, _ body: (Record) throws -> Void) rethrows {
        var stack = [root]
        while let number = stack.popLast() {
            // A page belongs to one tree, once: what says otherwise is damaged.
            guard number > 0, number <= pages.count, !seen[number] else {
                unreadable += 1
                continue
            }
            seen[number] = true
            guard let page = tree(number), page.kind.isTable == isTable else {
                unreadable += 1
                continue
            }
            stack.append(contentsOf: page.children.reversed())
            try read(page, body)
        }
    }

    /// Reads the leaves that no tree leads to any more and that are not free, for tables whose tree is damaged.
    mutating func walkStrays(isTable: Bool, _ body: (Record) throws -> Void) rethrows {
        markFree()
        guard pages.count > 1 else { return }
        for number in 2...pages.count where !seen[number] {
            guard let page = tree(number), page.kind == (isTable ? .tableLeaf : .indexLeaf) else { continue }
            try read(page, body)
        }
    }

    private func tree(_ number: Int) -> TreePage? {
        pages.page(number).flatMap { TreePage($0, number: number, usableSize: pages.usableSize) }
    }

    private mutating func read(_ page: TreePage, _ body: (Record) throws -> Void) rethrows {
        let cells = page.cells
        unreadable += page.cellCount - cells.count
        for cell in cells {
            guard let record = record(of: cell), let values = StoredRecord.values(record) else {
                unreadable += 1
                continue
            }
            try body(Record(rowID: cell.rowID, values: values))
        }
    }

    /// The whole record of a cell, from its page and those that it overflows into.
    private mutating func record(of cell: TreePage.Cell) -> [UInt8]? {
        var record = [UInt8](cell.local)
        var next = cell.overflow
        while record.count < cell.size {
            guard next > 0, next <= pages.count, !seen[next], let page = pages.page(next) else { return nil }
            seen[next] = true
            record.append(contentsOf: page[4..<min(pages.usableSize, 4 + cell.size - record.count)])
            next = page[..<4].reduce(0) { $0 << 8 | Int($1) }
        }
        return record
    }

    /// Marks the pages that are free, so that what was deleted does not come back.
    private mutating func markFree() {
        guard let header = pages.page(1) else { return }
        var trunk = header[32..<36].reduce(0) { $0 << 8 | Int($1) }
        while trunk > 0, trunk <= pages.count, !seen[trunk], let page = pages.page(trunk) {
            seen[trunk] = true
            let count = min(page[4..<8].reduce(0) { $0 << 8 | Int($1) }, pages.usableSize / 4 - 2)
            for index in 0..<max(count, 0) {
                let at = 8 + 4 * index
                let leaf = page[at..<at + 4].reduce(0) { $0 << 8 | Int($1) }
                if leaf > 0, leaf <= pages.count { seen[leaf] = true }
            }
            trunk = page[..<4].reduce(0) { $0 << 8 | Int($1) }
        }
    }
}
