#if os(Linux)
    import Foundation
    import Testing

    @testable import BME680

    /// docs/raspberry-pi.md has the texts that the program gives, so that people find them.
    @Suite("The page about the Raspberry Pi")
    struct DocumentationTests {
        private static let page = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("docs/raspberry-pi.md")
        private static let bus = "/dev/i2c-1"

        private static func transfer(_ operation: I2CError.Operation, _ code: Int32) -> String {
            let address: UInt8? = operation == .open ? nil : 0x76
            return "\(I2CError(bus: bus, address: address, operation: operation, code: code))"
        }

        private static let texts: [String] = [
            transfer(.open, ENOENT), transfer(.open, EACCES), transfer(.read, ETIMEDOUT),
            transfer(.read, EIO),
            transfer(.read, ENOTTY),
            "\(BME680Error.noDevice(addresses: [0x76, 0x77], bus: bus))",
            "\(BME680Error.wrongChip(found: 0x58, address: 0x76, bus: bus))",
            "\(BME680Error.notReady(after: .milliseconds(430), address: 0x76, bus: bus))",
            "\(BME680Error.noData(address: 0x76, bus: bus))",
            "\(BME680Error.implausibleCalibration(address: 0x76, bus: bus))",
            "\(BME680Error.implausible(quantity: .temperature, value: 161))",
        ]

        @Test(arguments: texts) func eachErrorIsExplained(text: String) throws {
            let page = try String(contentsOf: Self.page, encoding: .utf8)
            #expect(page.contains("| `\(text)` |"))
        }
    }
#endif
