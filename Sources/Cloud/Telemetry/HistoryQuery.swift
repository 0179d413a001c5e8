import Messaging

/// Which stored messages.
struct HistoryQuery: Sendable {
    var thing: String?
    /// Which topics; nil means those that `#` matches.
    var filter: TopicFilter?
    /// Microseconds since 1970, included.
    var start: Int64?
    /// Microseconds since 1970, excluded.
    var end: Int64?
    var limit: Int
    /// Where the page before ended.
    var position: HistoryPosition?
}
