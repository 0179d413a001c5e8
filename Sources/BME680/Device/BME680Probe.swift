#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Looks for I2C buses and for a sensor on one, without setting anything up.
public enum BME680Probe {
    /// What is on a bus.
    public enum Outcome: Hashable, Sendable {
        /// A BME680 or BME688 answers at this address.
        case sensor(address: UInt8)
        /// Something answers at this address, with this id of the chip.
        case other(address: UInt8, chipID: UInt8)
        /// The bus can be used, and nothing answers at 0x76 or 0x77.
        case nothing
        /// The bus cannot be used.
        case unusable(I2CError)
    }

    /// The addresses that the sensor can have.
    public static let addresses: [UInt8] = [0x77, 0x76]

    /// The I2C buses of this machine, such as `/dev/i2c-1`, by number. Blocks briefly.
    public static func buses(in directory: String = "/dev") -> [String] {
        guard let entries = opendir(directory) else { return [] }
        defer { closedir(entries) }
        var numbers: [Int] = []
        while let entry = readdir(entries) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name.hasPrefix("i2c-"), let number = Int(name.dropFirst(4)) { numbers.append(number) }
        }
        return numbers.sorted().map { "\(directory)/i2c-\($0)" }
    }

    /// Reads the id of the chip at the sensor's addresses. Blocks for some milliseconds.
    public static func look(on bus: any I2CBus) -> Outcome {
        var other: Outcome?
        for address in addresses {
            do throws(I2CError) {
                let id = try bus.writeRead([Register.chipID], count: 1, from: address).first ?? 0
                if id == Register.expectedChipID { return .sensor(address: address) }
                other = other ?? .other(address: address, chipID: id)
            } catch {
                if !error.isNoAnswer { return .unusable(error) }
            }
        }
        return other ?? .nothing
    }
}
