/// What `publish` does when the buffer of messages that no server has acknowledged is full.
public enum OverflowPolicy: String, CaseIterable, Hashable, Sendable, Codable {
    /// Suspends the caller until there is room. The default: nothing is lost, the caller runs at the pace of
    /// the line.
    case wait
    /// Drops the oldest message, counts it and declares its sequence lost to the server, so that the ledger
    /// of the cloud names it.
    case dropOldest
}
