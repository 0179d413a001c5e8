/// A value in its general form, as it crosses the edge of the engine: literals, host functions, results of
/// expressions whose type is not a plain number.
///
/// Equality and hash are structural (an `int` 1 and a `double` 1.0 differ); CEL's `==` is numeric across types.
public enum Value: Hashable, Sendable {
    /// A signed integer.
    case int(Int64)
    /// An unsigned integer.
    case uint(UInt64)
    /// An IEEE number.
    case double(Double)
    /// A text; CEL compares it by Unicode scalars, without normalisation.
    case string(String)
    /// Octets.
    case bytes([UInt8])
    /// True or false.
    case bool(Bool)
    /// Null.
    case null
    /// Values in order.
    case list([Value])
    /// Values by key.
    case map(ValueMap)
    /// A point in time.
    case timestamp(Timestamp)
    /// A stretch of time.
    case duration(TimeSpan)
    /// A type, by its CEL name (`int`, `google.protobuf.Timestamp`).
    case type(String)
}
