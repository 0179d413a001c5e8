import FoundationEssentials

/// Values that the database keeps as JSON text.
enum JSONText {
    /// Writes a value, keys sorted.
    static func encode(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    /// Reads a value.
    ///
    /// - Throws: ``CorruptRecord``.
    static func decode<Value: Decodable>(_ type: Value.Type, from text: String) throws -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(text.utf8))
        } catch {
            throw CorruptRecord("a stored \(type): \(error)")
        }
    }
}
