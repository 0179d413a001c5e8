/// SQLite's write-ahead log as it lies on the disk (https://sqlite.org/fileformat2.html#walformat), read without SQLite.
///
/// SQLite ends the log at the first frame whose checksum is wrong: after a power cut that is the transaction whose sync
/// did not finish. A wrong frame with whole transactions behind it is another thing: those were synced one after the
/// other and acknowledged, and the disk damaged one of them since. Each frame's checksum goes on from the one stored in
/// the frame before it, so that what lies behind a damaged frame can be told from what was never finished.
struct WriteAheadLog {
    /// One page's newer content.
    struct Frame {
        /// The page, from 1.
        let page: Int
        /// Pages of the database after the transaction that this frame ends; 0 in a frame that ends none.
        let databaseSize: Int
        /// Where in the file the page's content is.
        let offset: Int
        /// Whether its checksum is right.
        let isSound: Bool
    }

    private static let headerSize = 32
    private static let frameHeaderSize = 24

    /// The file; what of it cannot be read is zeros.
    let bytes: [UInt8]
    /// The size of a page.
    let pageSize: Int
    /// The frames that count, up to the last one that ends a transaction.
    private(set) var frames: [Frame] = []
    /// Whether damage stands before whole transactions. Then ``frames`` holds these too, and what is damaged.
    private(set) var isBroken = false

    /// Reads a log; nil where there is none, or nothing in it.
    ///
    /// - Parameter pageSize: The database's, for a log whose header is damaged.
    init?(path: String, pageSize databasePageSize: Int) {
        guard let file = RawFile(path: path), file.size >= Self.headerSize + Self.frameHeaderSize else {
            return nil
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(file.size)
        while bytes.count < file.size {
            let count = min(4_096, file.size - bytes.count)
            bytes += file.read(at: bytes.count, count: count) ?? [UInt8](repeating: 0, count: count)
        }
        self.bytes = bytes
        let magic = Self.word(bytes, 0)
        let isHeaderKnown = magic & ~1 == 0x377F_0682
        // Without a header it is a log of this machine's: nothing else writes here.
        let isBigEndian = isHeaderKnown ? magic & 1 == 1 : Int(1).bigEndian == 1
        let size = Int(Self.word(bytes, 8))
        let isSizeKnown = isHeaderKnown && (512...65_536).contains(size) && size & (size - 1) == 0
        pageSize = isSizeKnown ? size : databasePageSize
        let sum = Self.sum(bytes, 0..<24, from: (0, 0), isBigEndian)
        let isHeaderSound = isSizeKnown && sum == Self.storedSum(bytes, 24)
        read(isHeaderSound: isHeaderSound, isBigEndian: isBigEndian)
    }

    private mutating func read(isHeaderSound: Bool, isBigEndian: Bool) {
        let step = Self.frameHeaderSize + pageSize
        let count = (bytes.count - Self.headerSize) / step
        guard count > 0 else { return }
        let salt = Self.salt(bytes, isHeaderSound ? 16 : Self.headerSize + 8)
        var seed = Self.storedSum(bytes, 24)
        var all: [Frame] = []
        var firstUnsound = isHeaderSound ? Int.max : 0
        for index in 0..<count {
            let at = Self.headerSize + index * step
            let stored = Self.storedSum(bytes, at + 16)
            var sum = Self.sum(bytes, at..<at + 8, from: seed, isBigEndian)
            sum = Self.sum(bytes, at + Self.frameHeaderSize..<at + step, from: sum, isBigEndian)
            let isSound = sum == stored && Self.salt(bytes, at + 8) == salt
            if !isSound { firstUnsound = min(firstUnsound, index) }
            all.append(
                Frame(
                    page: Int(Self.word(bytes, at)), databaseSize: Int(Self.word(bytes, at + 4)),
                    offset: at + Self.frameHeaderSize, isSound: isSound))
            seed = stored
        }
        let lastSoundEnd = all.lastIndex { $0.isSound && $0.databaseSize > 0 }
        if firstUnsound < count, let lastSoundEnd, lastSoundEnd > firstUnsound || !isHeaderSound {
            let end = all[firstUnsound...].firstIndex { $0.isSound && $0.databaseSize > 0 }
            isBroken = !isHeaderSound || all.lastIndex(where: \.isSound) ?? 0 > end ?? .max
        }
        let usable = isBroken ? all[...] : all.prefix(firstUnsound)
        let last = usable.lastIndex { $0.isSound && $0.databaseSize > 0 }
        frames = last.map { Array(usable[...$0]) } ?? []
    }

    // MARK: Numbers

    private static func word(_ bytes: [UInt8], _ offset: Int) -> UInt32 {
        bytes.withUnsafeBytes { UInt32(bigEndian: $0.loadUnaligned(fromByteOffset: offset, as: UInt32.self)) }
    }

    private static func salt(_ bytes: [UInt8], _ offset: Int) -> UInt64 {
        UInt64(word(bytes, offset)) << 32 | UInt64(word(bytes, offset + 4))
    }

    private static func storedSum(_ bytes: [UInt8], _ offset: Int) -> (UInt32, UInt32) {
        (word(bytes, offset), word(bytes, offset + 4))
    }

    private static func sum(
        _ bytes: [UInt8], _ range: Range<Int>, from seed: (UInt32, UInt32), _ isBigEndian: Bool
    ) -> (UInt32, UInt32) {
        bytes.withUnsafeBytes { bytes in
            var (first, second) = seed
            var at = range.lowerBound
            while at + 8 <= range.upperBound {
                let low = bytes.loadUnaligned(fromByteOffset: at, as: UInt32.self)
                let high = bytes.loadUnaligned(fromByteOffset: at + 4, as: UInt32.self)
                first &+= (isBigEndian ? low.bigEndian : low.littleEndian) &+ second
                second &+= (isBigEndian ? high.bigEndian : high.littleEndian) &+ first
                at += 8
            }
            return (first, second)
        }
    }
}
