import Messaging

/// The one place where this module asks whether a topic filter is valid.
enum TopicFilterRule {
    /// What is wrong with a filter; nil where it is valid.
    static func problem(with filter: String) -> String? {
        do throws(InvalidTopic) {
            _ = try TopicFilter(filter)
            return nil
        } catch {
            return error.description
        }
    }
}
