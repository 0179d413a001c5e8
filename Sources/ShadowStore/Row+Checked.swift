import Foundation
import GRDB

// Values of rows that the disk may have damaged. GRDB's own conversions end the process where a value is of another
// type than it must be.
extension Row {
    /// An integer.
    func integer(_ index: Int) throws -> Int64 {
        guard case .int64(let value) = (self[index] as DatabaseValue).storage else {
            throw DamagedShadow(description: "column \(index) of a row of a shadow is no number")
        }
        return value
    }

    /// An integer, or none.
    func optionalInteger(_ index: Int) throws -> Int64? {
        if case .null = (self[index] as DatabaseValue).storage { return nil }
        return try integer(index)
    }

    /// A number that is not below zero.
    func count(_ index: Int) throws -> UInt64 {
        guard let value = UInt64(exactly: try integer(index)) else {
            throw DamagedShadow(description: "column \(index) of a row of a shadow is below zero")
        }
        return value
    }

    /// A flag.
    func flag(_ index: Int) throws -> Bool { try integer(index) != 0 }

    /// A text.
    func text(_ index: Int) throws -> String {
        guard case .string(let value) = (self[index] as DatabaseValue).storage else {
            throw DamagedShadow(description: "column \(index) of a row of a shadow is no text")
        }
        return value
    }

    /// A text, or none.
    func optionalText(_ index: Int) throws -> String? {
        if case .null = (self[index] as DatabaseValue).storage { return nil }
        return try text(index)
    }

    /// Bytes.
    func blob(_ index: Int) throws -> Data {
        guard case .blob(let value) = (self[index] as DatabaseValue).storage else {
            throw DamagedShadow(description: "column \(index) of a row of a shadow has no bytes")
        }
        return value
    }
}
