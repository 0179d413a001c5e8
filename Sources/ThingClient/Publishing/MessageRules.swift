import Messaging

/// What a server takes (semantics, sections 1 and 8), checked before anything is buffered.
enum MessageRules {
    private static let limits = MessageLimits.standard
    static let largestMessage = limits.maximumMessageBytes
    static let longestContentType = 128
    static let longestTraceparent = 128
    /// Bytes that framing, time and sequence take of a message, generously.
    static let overhead = 48

    static func check(topic: String) throws(ThingError) {
        do {
            // Requests to shadows are the server's to judge.
            if try Topic(topic).isReserved, !topic.hasPrefix("$aws/things/") {
                throw ThingError.invalidMessage(
                    "Topic \"\(topic.prefix(100))\" is reserved: of topics that begin with $, only requests to shadows "
                        + "($aws/things/THING/shadow/...) are published on."
                )
            }
        } catch let error as ThingError {
            throw error
        } catch {
            throw ThingError.invalidMessage("The \(error).")
        }
    }

    static func check(filter: String) throws(ThingError) {
        do {
            _ = try TopicFilter(filter)
        } catch {
            throw ThingError.invalidMessage("The filter's \(error).")
        }
    }

    static func check(values: [String: ReadingValue], units: [String: String]) throws(ThingError) {
        if values.isEmpty {
            throw ThingError.invalidMessage("A reading needs at least one value.")
        }
        if values.count > limits.maximumFields {
            throw ThingError.invalidMessage(
                "A reading has \(values.count) fields; at most \(limits.maximumFields) are allowed.")
        }
        for (name, value) in values {
            if name.isEmpty || name.utf8.count > limits.maximumFieldNameBytes {
                throw ThingError.invalidMessage(
                    "Field name \"\(name.prefix(40))\" has \(name.utf8.count) bytes; a name has 1 to "
                        + "\(limits.maximumFieldNameBytes).")
            }
            if case .string(let text) = value, text.utf8.count > limits.maximumTextBytes {
                throw ThingError.invalidMessage(
                    "The text of field \"\(name)\" has \(text.utf8.count) bytes; at most "
                        + "\(limits.maximumTextBytes) are allowed.")
            }
        }
        for (name, unit) in units {
            if values[name] == nil {
                throw ThingError.invalidMessage(
                    "A unit is given for \"\(name.prefix(40))\", which the reading does not have.")
            }
            if unit.utf8.count > limits.maximumUnitBytes {
                throw ThingError.invalidMessage(
                    "The unit of field \"\(name)\" has \(unit.utf8.count) bytes; at most "
                        + "\(limits.maximumUnitBytes) are allowed.")
            }
        }
    }

    /// The text, cut at a character boundary to at most so many bytes.
    static func cut(_ text: String, at bytes: Int) -> String {
        var result = String(text.prefix(bytes))
        while result.utf8.count > bytes { result.removeLast() }
        return result
    }
}
