/// A page of a b-tree (https://sqlite.org/fileformat2.html#b_tree_pages).
struct TreePage {
    /// What it is.
    enum Kind: UInt8 {
        /// Children, with the highest row id of each but the last.
        case tableInterior = 5
        /// Rows.
        case tableLeaf = 13
        /// Children, with an entry between each two.
        case indexInterior = 2
        /// Entries.
        case indexLeaf = 10

        var isLeaf: Bool { self == .tableLeaf || self == .indexLeaf }
        var isTable: Bool { self == .tableLeaf || self == .tableInterior }
    }

    /// A row or an entry.
    struct Cell {
        /// The row's id; 0 in indexes.
        let rowID: Int64
        /// How many bytes its record has.
        let size: Int
        /// Those of them that lie in this page.
        let local: ArraySlice<UInt8>
        /// The page where the others begin; 0 where there are none.
        let overflow: Int
    }

    let kind: Kind
    let bytes: [UInt8]
    private let start: Int
    private let usableSize: Int
    private let count: Int

    /// Reads a page's header; nil where it is none of a tree.
    init?(_ bytes: [UInt8], number: Int, usableSize: Int) {
        start = number == 1 ? 100 : 0
        guard let kind = Kind(rawValue: bytes[start]) else { return nil }
        self.kind = kind
        self.bytes = bytes
        self.usableSize = usableSize
        count = Int(bytes[start + 3]) << 8 | Int(bytes[start + 4])
        guard start + headerSize + 2 * count <= usableSize else { return nil }
    }

    private var headerSize: Int { kind.isLeaf ? 8 : 12 }

    /// The pages below it.
    var children: [Int] {
        guard !kind.isLeaf else { return [] }
        let offsets = cellOffsets.filter { $0 + 4 <= usableSize }
        return offsets.map { word($0) } + [word(start + 8)]
    }

    /// Its rows or entries; those that cannot be read left out.
    var cells: [Cell] {
        guard kind != .tableInterior else { return [] }
        return cellOffsets.compactMap { cell(at: $0) }
    }

    /// How many rows or entries it says it has.
    var cellCount: Int { kind == .tableInterior ? 0 : count }

    private var cellOffsets: [Int] {
        (0..<count).map { index in
            let at = start + headerSize + 2 * index
            return Int(bytes[at]) << 8 | Int(bytes[at + 1])
        }
    }

    private func word(_ at: Int) -> Int {
        (0..<4).reduce(0) { $0 << 8 | Int(bytes[at + $1]) }
    }

    private func cell(at offset: Int) -> Cell? {
        var at = offset + (kind == .indexInterior ? 4 : 0)
        guard offset >= start + headerSize, let size = Self.number(bytes[..<usableSize], &at), size >= 0,
            size <= 1 << 30
        else { return nil }
        var rowID: Int64 = 0
        if kind == .tableLeaf {
            guard let id = Self.number(bytes[..<usableSize], &at) else { return nil }
            rowID = id
        }
        let here = localSize(of: Int(size))
        guard at + here <= usableSize else { return nil }
        var overflow = 0
        if here < size {
            guard at + here + 4 <= usableSize else { return nil }
            overflow = word(at + here)
        }
        return Cell(rowID: rowID, size: Int(size), local: bytes[at..<at + here], overflow: overflow)
    }

    /// How much of a record lies in the page itself.
    private func localSize(of size: Int) -> Int {
        let most = kind == .tableLeaf ? usableSize - 35 : (usableSize - 12) * 64 / 255 - 23
        guard size > most else { return size }
        let least = (usableSize - 12) * 32 / 255 - 23
        let fitting = least + (size - least) % (usableSize - 4)
        return fitting <= most ? fitting : least
    }

    /// A number of one to nine bytes.
    static func number(_ bytes: ArraySlice<UInt8>, _ at: inout Int) -> Int64? {
        var value: UInt64 = 0
        for index in 0..<9 {
            guard at >= bytes.startIndex, at < bytes.endIndex else { return nil }
            let byte = bytes[at]
            at += 1
            if index == 8 { return Int64(bitPattern: value << 8 | UInt64(byte)) }
            value = value << 7 | UInt64(byte & 0x7F)
            if byte & 0x80 == 0 { return Int64(bitPattern: value) }
        }
        return nil
    }
}
