/// The state directory cannot be used. Nothing in it was changed.
///
/// What cannot be read is never taken for "new": a core that started afresh over damaged state would forget its
/// deployment and what it still owes the cloud.
public struct StateError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong.
    public enum Reason: String, CaseIterable, Hashable, Sendable {
        /// Another process uses the directory.
        case locked
        /// A file cannot be read or written (rights, disk, folder missing).
        case inaccessible
        /// A file's content is damaged.
        case damaged
        /// The database turned out to be damaged while the core ran; the next start saves what can be read.
        case damagedWhileRunning
        /// A file that must be there is missing.
        case incomplete
        /// The directory belongs to another core.
        case foreign
        /// There is no identity yet, and no token to get one with.
        case notEnrolled
    }

    /// What is wrong, for programs.
    public let reason: Reason
    /// The file or directory.
    public let path: String
    /// What is wrong, where, and what to do.
    public let description: String

    /// Makes an error.
    ///
    /// - Parameters:
    ///   - reason: what is wrong.
    ///   - path: the file or directory.
    ///   - description: one sentence for people, with the path and with what to do.
    public init(_ reason: Reason, path: String, _ description: String) {
        self.reason = reason
        self.path = path
        self.description = description
    }
}
