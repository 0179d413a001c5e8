import Shadows

/// A place in the state of a shadow, as people write it: `desired.fan.speed`. A key that could be misread is in quotes, as
/// in JSON: `reported."room.air"`.
struct ShadowPath: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The keys, from the top.
    let keys: [String]

    init(_ keys: [String]) {
        self.keys = keys
    }

    /// Reads a place; nil where it is malformed.
    init?(parsing text: some StringProtocol) {
        var keys: [String] = []
        var rest = Substring(text)
        repeat {
            guard let key = Self.nextKey(&rest) else { return nil }
            keys.append(key)
            if rest.isEmpty { break }
            guard rest.removeFirst() == "." else { return nil }
        } while true
        self.keys = keys
    }

    /// Takes a key off the beginning of a text; nil where none is there.
    private static func nextKey(_ rest: inout Substring) -> String? {
        guard rest.first == "\"" else {
            let key = rest.prefix { $0 != "." && $0 != "\"" && $0 != "=" }
            rest = rest.dropFirst(key.count)
            return key.isEmpty ? nil : String(key)
        }
        guard let end = closingQuote(rest) else { return nil }
        let quoted = rest[...end]
        rest = rest[rest.index(after: end)...]
        guard case .string(let key)? = ShadowJSON.parse(String(quoted)) else { return nil }
        return key
    }

    private static func closingQuote(_ text: Substring) -> Substring.Index? {
        var isEscaped = false
        for index in text.indices.dropFirst() {
            if isEscaped {
                isEscaped = false
            } else if text[index] == "\\" {
                isEscaped = true
            } else if text[index] == "\"" {
                return index
            }
        }
        return nil
    }

    /// Splits `PLACE=REST` at the first `=` outside of quotes.
    static func split(_ text: String) -> (place: ShadowPath, rest: String)? {
        var isQuoted = false
        var isEscaped = false
        for index in text.indices {
            let character = text[index]
            if isEscaped {
                isEscaped = false
            } else if isQuoted, character == "\\" {
                isEscaped = true
            } else if character == "\"" {
                isQuoted.toggle()
            } else if character == "=", !isQuoted {
                guard let place = ShadowPath(parsing: text[..<index]) else { return nil }
                return (place, String(text[text.index(after: index)...]))
            }
        }
        return nil
    }

    func appending(_ key: String) -> ShadowPath { ShadowPath(keys + [key]) }

    /// As it can be read again.
    var description: String {
        keys.map { key in
            let isPlain = !key.isEmpty && !key.contains { ".\"=\\".contains($0) || $0.isWhitespace }
            return isPlain ? key : JSONValue.text(key).compact
        }.joined(separator: ".")
    }

    static func < (first: ShadowPath, second: ShadowPath) -> Bool {
        first.keys.lexicographicallyPrecedes(second.keys)
    }
}
