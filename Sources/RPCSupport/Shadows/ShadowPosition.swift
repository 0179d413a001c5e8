import Foundation

/// Where somebody who follows shadows is, as text that means nothing to anybody else.
struct ShadowPosition: Hashable, Sendable {
    /// What was told last.
    enum Place: Hashable, Sendable {
        /// A document, as it was when following began: number of its change, and of the newest one at that moment.
        case present(change: Int64, moment: Int64)
        /// Something that happened: number of the change; and how many of its events were told, 0 for all.
        case event(change: Int64, told: Int)
    }

    /// Tells databases apart: the beginning of the database's name, in hexadecimal.
    let database: String
    /// Where.
    let place: Place

    /// Makes a position.
    init(database: Data, _ place: Place) {
        self.database = database.prefix(6).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        self.place = place
    }

    /// Reads a position; nil where it is none.
    init?(_ text: String) {
        let parts = text.utf8.count <= 128 ? text.split(separator: "-", omittingEmptySubsequences: false) : []
        guard parts.count == 4, parts[0].utf8.count == 12, let first = Int64(parts[2]), first >= 0,
            let second = Int64(parts[3]), second >= 0
        else { return nil }
        database = String(parts[0])
        switch parts[1] {
        case "p": place = .present(change: first, moment: second)
        case "e":
            guard second <= 3 else { return nil }
            place = .event(change: first, told: Int(second))
        default: return nil
        }
    }

    /// The position as text.
    var text: String {
        switch place {
        case .present(let change, let moment): "\(database)-p-\(change)-\(moment)"
        case .event(let change, let told): "\(database)-e-\(change)-\(told)"
        }
    }
}
