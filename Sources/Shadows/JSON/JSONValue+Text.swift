extension JSONValue {
    /// Parses a JSON text in UTF-8, without a byte order mark.
    ///
    /// Strict: nothing but RFC 8259, no half surrogate pairs, no key twice in an object (keys that Unicode calls
    /// equivalent are the same key). Whole numbers beyond 64 bits become doubles; numbers beyond doubles are
    /// refused. Time and memory grow with the number of bytes.
    ///
    /// - Parameters:
    ///   - bytes: The text.
    ///   - limits: Bounds on it. Default 1 MiB and 64 levels.
    /// - Throws: ``JSONError`` that says what is wrong, and where.
    public init(parsing bytes: some Sequence<UInt8>, limits: JSONLimits = .standard) throws(JSONError) {
        self = try JSONParser.read(bytes, limits: limits) { parser throws(JSONError) in try parser.value() }
    }

    /// Parses a JSON text; see ``init(parsing:limits:)-(Sequence<UInt8>,_)``.
    ///
    /// - Throws: ``JSONError`` that says what is wrong, and where.
    public init(parsing text: String, limits: JSONLimits = .standard) throws(JSONError) {
        try self.init(parsing: text.utf8, limits: limits)
    }

    /// The value as JSON in UTF-8, without spaces, keys in ascending order. Numbers that are not finite, which no
    /// text can mean, become null.
    public var bytes: [UInt8] {
        var writer = JSONWriter()
        writer.write(self)
        return writer.bytes
    }

    /// The value as JSON; see ``bytes``.
    public var text: String { String(decoding: bytes, as: UTF8.self) }
}
