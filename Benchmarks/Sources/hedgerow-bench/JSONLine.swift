import Foundation

/// Prints results for `bench.py`: one JSON object on a line.
enum JSONLine {
    static func print(_ values: [String: Double], lists: [String: [Double]] = [:]) {
        var members = values.sorted { $0.key < $1.key }.map { "\"\($0.key)\": \($0.value)" }
        for (name, list) in lists.sorted(by: { $0.key < $1.key }) {
            members.append("\"\(name)\": [\(list.map { "\($0)" }.joined(separator: ", "))]")
        }
        Swift.print("{\(members.joined(separator: ", "))}")
        fflush(nil)
    }
}

extension Duration {
    /// In seconds.
    var seconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
