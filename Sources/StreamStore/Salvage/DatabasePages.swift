/// The pages of a database file and its log as they lie on the disk, read without SQLite, which refuses a whole file
/// for one page.
struct DatabasePages {
    /// The size of a page that SQLite gives new files.
    static let standardPageSize = 4_096

    /// The size of a page.
    let pageSize: Int
    /// Bytes of a page that SQLite uses.
    let usableSize: Int
    /// How many pages there are.
    let count: Int
    /// Whether the log was damaged in front of whole transactions.
    let isLogBroken: Bool

    private let file: RawFile
    private let log: WriteAheadLog?
    /// For each page in the log, where its newest content is.
    private var newest: [Int: WriteAheadLog.Frame] = [:]

    /// Opens a file and its log; nil where the file cannot be opened.
    init?(path: String) {
        guard let file = RawFile(path: path) else { return nil }
        self.file = file
        let known = Self.pageSize(of: file)
        let log = WriteAheadLog(path: path + "-wal", pageSize: known ?? Self.standardPageSize)
        let size = known ?? log?.pageSize ?? Self.standardPageSize
        let frames = log?.pageSize == size ? log?.frames ?? [] : []
        let pages = max((file.size + size - 1) / size, frames.last?.databaseSize ?? 0)
        self.log = log
        pageSize = size
        // Nothing here reserves bytes in its pages.
        usableSize = size
        isLogBroken = log?.isBroken ?? false
        count = pages
        for frame in frames where frame.page > 0 && frame.page <= pages {
            if !frame.isSound, isIndex(frame) { continue }
            newest[frame.page] = frame
        }
    }

    private static func pageSize(of file: RawFile) -> Int? {
        guard file.size >= 100, let bytes = file.read(at: 16, count: 2) else { return nil }
        let size = Int(bytes[0]) << 8 | Int(bytes[1])
        if size == 1 { return 65_536 }
        return size >= 512 && size & (size - 1) == 0 ? size : nil
    }

    /// Damaged pages of indexes and of tables without row ids are not taken from the log: those hold cursors, of which
    /// an older one costs a repetition, and a wrong one a loss that nobody names.
    private func isIndex(_ frame: WriteAheadLog.Frame) -> Bool {
        guard let log, frame.offset < log.bytes.count else { return true }
        return [2, 10].contains(log.bytes[frame.offset])
    }

    /// The content of a page; nil where it cannot be read. What is missing at the end of the file is zeros.
    func page(_ number: Int) -> [UInt8]? {
        guard number > 0, number <= count else { return nil }
        if let frame = newest[number], let log {
            return [UInt8](log.bytes[frame.offset..<frame.offset + pageSize])
        }
        let start = (number - 1) * pageSize
        return start < file.size ? file.read(at: start, count: pageSize) : nil
    }
}
