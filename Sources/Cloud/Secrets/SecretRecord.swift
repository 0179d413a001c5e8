import FoundationEssentials

/// What is known of a secret beside its value.
struct SecretRecord: Hashable, Sendable {
    var group: String
    var name: String
    /// Counts its values.
    var version: UInt64
    /// Bytes of the value.
    var size: Int
    var createTime: Date
    /// When it got the value that it has.
    var updateTime: Date
    /// Who gave it that.
    var author: String
}
