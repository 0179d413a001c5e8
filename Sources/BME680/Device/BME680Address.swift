/// Where on the bus to look for the sensor.
public enum BME680Address: Hashable, Sendable, CaseIterable {
    /// Both addresses, the first one first.
    case automatic
    /// 0x76: the pin SDO is low.
    case primary
    /// 0x77: the pin SDO is high.
    case secondary

    /// The 7-bit addresses, in the order in which they are tried.
    public var candidates: [UInt8] {
        switch self {
        case .automatic: [0x76, 0x77]
        case .primary: [0x76]
        case .secondary: [0x77]
        }
    }
}
