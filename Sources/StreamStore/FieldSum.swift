import Foundation

/// CRC-32C of the values of a row: each with its type and its length, or with a mark that it is absent. The format on disk depends
/// on it.
struct FieldSum {
    private var bytes: [UInt8] = []

    /// Begins with no value.
    init() { bytes.reserveCapacity(256) }

    /// The sum, as a column holds it.
    var value: Int64 { Int64(CRC32C.of(bytes)) }

    /// Adds an integer.
    mutating func add(_ value: Int64?) {
        bytes.append(value == nil ? 0 : 8)
        guard let value else { return }
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    /// Adds a text.
    mutating func add(_ text: String?) {
        bytes.append(text == nil ? 0 : 1)
        guard let text else { return }
        add(Int64(text.utf8.count))
        bytes.append(contentsOf: text.utf8)
    }

    /// Adds bytes.
    mutating func add(_ data: Data?) {
        bytes.append(data == nil ? 0 : 2)
        guard let data else { return }
        add(Int64(data.count))
        bytes.append(contentsOf: data)
    }
}
