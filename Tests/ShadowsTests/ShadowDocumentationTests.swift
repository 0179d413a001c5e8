import Foundation
import Testing

@testable import Shadows

/// The tables of docs/shadows.md, row by row, are what the code does.
@Suite("What docs/shadows.md says of documents")
struct ShadowDocumentationTests {
    /// The rows of the table below a header, cell by cell.
    private static func rows(below header: String) throws -> [[String]] {
        let page = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "docs/shadows.md")
        let lines = try String(contentsOf: page, encoding: .utf8).split(
            separator: "\n", omittingEmptySubsequences: false)
        let start = try #require(lines.firstIndex { $0.hasPrefix(header) }, "\(header)")
        return lines[(start + 2)...].prefix { $0.hasPrefix("|") }.map { line in
            line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
        }
    }

    /// `{a: 1}` with keys without quotes, as the tables write it.
    private static func value(_ cell: String) throws -> JSONValue {
        let text = cell.trimmingCharacters(in: CharacterSet(charactersIn: "`"))
        return try JSONValue(parsing: text.replacing(/([a-z]+):/) { "\"\($0.output.1)\":" })
    }

    private static func document(_ cell: String) throws -> ShadowDocument? {
        if cell == "nothing" { return nil }
        let state = try value(cell)
        return ShadowDocument(
            desired: state["desired"]?.members, reported: state["reported"]?.members, version: 1,
            incarnation: try #require(ShadowIncarnation(Array(repeating: 1, count: 16))), updateTime: 0)
    }

    private static func update(_ before: ShadowDocument?, _ state: JSONValue) throws -> ShadowDocument {
        let request = JSONValue.object(["state": state])
        let change = try ShadowRules.update(
            before.map { .present($0) }, ShadowUpdate(parsing: request.bytes, limits: .cloud), now: 0,
            limits: .cloud, newIncarnation: .random())
        return try #require(change.after.document)
    }

    @Test func updatesDoWhatTheirRowsSay() throws {
        let rows = try Self.rows(below: "| Rule | Before | Request | After |")
        #expect(rows.count >= 12)
        for row in rows {
            try #require(row.count == 4, "\(row)")
            let before = try Self.document(row[1])
            if row[3] == "unchanged" {
                #expect(throws: ShadowError.self, "\(row)") {
                    try Self.update(before, Self.value(row[2]))
                }
                continue
            }
            let after = try Self.update(before, Self.value(row[2]))
            #expect(after.state.isSame(as: try Self.value(row[3])), "\(row): \(after.stateText)")
            #expect(after.version == 2, "\(row)")
        }
    }

    @Test func deltasAreWhatTheirRowsSay() throws {
        let rows = try Self.rows(below: "| Rule of the delta |")
        #expect(rows.count >= 6)
        for row in rows {
            try #require(row.count == 4, "\(row)")
            let (desired, reported) = (try Self.value(row[1]).members, try Self.value(row[2]).members)
            let delta = ShadowDocument.delta(of: desired ?? [:], against: reported ?? [:])
            let expected = row[3] == "none" ? [:] : try Self.value(row[3]).members ?? [:]
            #expect(JSONValue.areSame(delta, expected), "\(row): \(JSONValue.object(delta).text)")
        }
    }

    @Test func mergesComeToWhatTheirRowsSay() throws {
        let rows = try Self.rows(below: "| Agreed | Core | Cloud |")
        #expect(rows.count >= 10)
        for row in rows {
            try #require(row.count == 5, "\(row)")
            let merge = ShadowMerge(
                base: try Self.document(row[0]), core: try #require(try Self.document(row[1])),
                cloud: try #require(try Self.document(row[2])))
            let expected = try #require(try Self.document(row[3]))
            #expect(JSONValue.areSame(merge.desired, expected.desired ?? [:]), "\(row)")
            #expect(JSONValue.areSame(merge.reported, expected.reported ?? [:]), "\(row)")
            let conflicts = merge.conflicts.map { "`\($0.path)`: \($0.winner.rawValue)" }
            #expect(conflicts == (row[4] == "none" ? [] : [row[4]]), "\(row)")
        }
    }
}
