/// How hard a message is tried to be delivered (semantics, section 2).
public enum DeliveryGuarantee: String, CaseIterable, Hashable, Sendable, Codable {
    /// QoS 0: sent once where there is a connection, dropped and counted where there is none.
    case atMostOnce
    /// QoS 1: kept until a server has it on disk, sent again as often as it takes, stored exactly once.
    case atLeastOnce
}
