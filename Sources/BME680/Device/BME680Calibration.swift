/// A device's own coefficients, written to it when it was made.
///
/// Names are those of Bosch's data sheet (BST-BME680-DS001, "Trimming parameter register addresses").
public struct BME680Calibration: Hashable, Sendable {
    // Coefficients of the temperature.
    var parT1: UInt16
    var parT2: Int16
    var parT3: Int8
    // Of the pressure.
    var parP1: UInt16
    var parP2: Int16
    var parP3: Int8
    var parP4: Int16
    var parP5: Int16
    var parP6: Int8
    var parP7: Int8
    var parP8: Int16
    var parP9: Int16
    var parP10: UInt8
    // Of the humidity; the first two have 12 bits.
    var parH1: UInt16
    var parH2: UInt16
    var parH3: Int8
    var parH4: Int8
    var parH5: Int8
    var parH6: UInt8
    var parH7: Int8
    // Of the gas heater.
    var parGH1: Int8
    var parGH2: Int16
    var parGH3: Int8
    var heaterRange: UInt8
    var heaterValue: Int8
    // Correction of the gas measurement's ranges, -8 to 7.
    var rangeSwitchingError: Int8
}

extension BME680Calibration {
    /// How many bytes each of the three blocks has, which begin at 0x8A, 0xE1 and 0x00.
    static let blockSizes = (first: 23, second: 14, third: 5)

    /// Reads the coefficients from the device's memory.
    ///
    /// - Parameters:
    ///   - first: The 23 bytes from 0x8A.
    ///   - second: The 14 bytes from 0xE1.
    ///   - third: The 5 bytes from 0x00.
    /// - Returns: Nil where a block has another size.
    public init?(first: [UInt8], second: [UInt8], third: [UInt8]) {
        guard first.count == Self.blockSizes.first, second.count == Self.blockSizes.second,
            third.count == Self.blockSizes.third
        else { return nil }
        func word(_ block: [UInt8], _ low: Int) -> UInt16 { UInt16(block[low + 1]) << 8 | UInt16(block[low]) }
        func signedWord(_ block: [UInt8], _ low: Int) -> Int16 { Int16(bitPattern: word(block, low)) }
        func signed(_ byte: UInt8) -> Int8 { Int8(bitPattern: byte) }
        parT1 = word(second, 8)
        parT2 = signedWord(first, 0)
        parT3 = signed(first[2])
        parP1 = word(first, 4)
        parP2 = signedWord(first, 6)
        parP3 = signed(first[8])
        parP4 = signedWord(first, 10)
        parP5 = signedWord(first, 12)
        parP6 = signed(first[15])
        parP7 = signed(first[14])
        parP8 = signedWord(first, 18)
        parP9 = signedWord(first, 20)
        parP10 = first[22]
        // The two 12-bit numbers share a byte: the low half is H1's, the high half H2's.
        parH1 = UInt16(second[2]) << 4 | UInt16(second[1] & 0x0F)
        parH2 = UInt16(second[0]) << 4 | UInt16(second[1] >> 4)
        parH3 = signed(second[3])
        parH4 = signed(second[4])
        parH5 = signed(second[5])
        parH6 = second[6]
        parH7 = signed(second[7])
        parGH1 = signed(second[12])
        parGH2 = signedWord(second, 10)
        parGH3 = signed(second[13])
        heaterRange = third[2] >> 4 & 0x03
        heaterValue = signed(third[0])
        // Four bits with a sign: an arithmetic shift keeps it.
        rangeSwitchingError = signed(third[4]) >> 4
    }

    /// Whether this can be the calibration of a device. Memory that reads as all zeros or all ones, which a
    /// loose wire gives, cannot.
    var isPlausible: Bool {
        parT1 != 0 && parT1 != .max && parT2 != 0 && parP1 != 0 && parP1 != .max && parH2 != 0
    }
}
