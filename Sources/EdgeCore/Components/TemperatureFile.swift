#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Reads a temperature as the Linux kernel's thermal zones give it: thousandths of a degree Celsius in decimal.
enum TemperatureFile {
    /// Why there is no temperature, without the path.
    struct Problem: Error, Hashable, Sendable, CustomStringConvertible {
        let description: String
    }

    /// What a CPU's temperature can be; anything else is not one.
    static let plausible = -100.0...250.0

    /// Reads the file; blocks.
    ///
    /// - Returns: °C.
    static func celsius(at path: String) throws(Problem) -> Double {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw Problem(description: text(errno)) }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: 64)
        let count = buffer.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
        guard count >= 0 else { throw Problem(description: text(errno)) }
        let content = String(decoding: buffer[..<count], as: UTF8.self)
        let digits = content.prefix { !$0.isWhitespace }
        guard count < buffer.count, content.dropFirst(digits.count).allSatisfy(\.isWhitespace),
            let thousandths = Int(digits)
        else {
            throw Problem(
                description:
                    "\"\(content.prefix(20).filter { !$0.isNewline })\" is no whole number of thousandths of a °C"
            )
        }
        let celsius = Double(thousandths) / 1_000
        guard plausible.contains(celsius) else {
            throw Problem(
                description:
                    "\(celsius) °C is no temperature of a CPU; the file has to hold thousandths of a °C")
        }
        return celsius
    }

    private static func text(_ code: Int32) -> String { String(cString: strerror(code)) }
}
