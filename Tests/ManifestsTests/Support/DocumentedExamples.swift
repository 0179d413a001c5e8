import Foundation

/// The examples of docs/transforms.md, as a reader sees them.
struct DocumentedExamples {
    /// A recipe, or the steps of one, and what it makes of readings.
    struct Listing {
        /// Line of the page on which it begins.
        let line: Int
        /// Whether it is a whole recipe.
        let isRecipe: Bool
        let text: String
        /// `READING -> WHAT BECOMES OF IT`.
        let rows: [(input: String, outcome: String)]
    }

    /// A row of a table `| expression | value |`.
    struct Row {
        let line: Int
        let expression: String
        let value: String
    }

    /// A recipe with errors, and what is said of it.
    struct Refusal {
        let line: Int
        let text: String
        let errors: String
    }

    let text: String
    private(set) var refusals: [Refusal] = []
    private(set) var listings: [Listing] = []
    private(set) var rows: [Row] = []
    /// Blocks of a kind that is not followed by what belongs to it.
    private(set) var orphans: [Int] = []

    init() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        text = try String(contentsOf: root.appendingPathComponent("docs/transforms.md"), encoding: .utf8)
        readBlocks()
        readTables()
    }

    private var lines: [String] { text.components(separatedBy: "\n") }

    private mutating func readBlocks() {
        var open: (line: Int, info: String, body: [String])?
        var pending: (line: Int, kind: String, text: String)?
        for (index, line) in lines.enumerated() {
            if var block = open {
                if line == "```" {
                    open = nil
                    switch block.info {
                    case "yaml recipe", "yaml steps", "yaml wrong":
                        pending = (block.line, block.info, block.body.joined(separator: "\n"))
                    case "text errors":
                        guard let recipe = pending, recipe.kind == "yaml wrong" else {
                            orphans.append(block.line)
                            continue
                        }
                        pending = nil
                        refusals.append(
                            Refusal(
                                line: recipe.line, text: recipe.text,
                                errors: block.body.joined(separator: "\n")))
                    case "text rows":
                        guard let listing = pending, listing.kind != "yaml wrong" else {
                            orphans.append(block.line)
                            continue
                        }
                        pending = nil
                        let rows = block.body.map { row in
                            let parts = row.components(separatedBy: " -> ")
                            return (input: parts[0], outcome: parts.dropFirst().joined(separator: " -> "))
                        }
                        listings.append(
                            Listing(
                                line: listing.line, isRecipe: listing.kind == "yaml recipe",
                                text: listing.text, rows: rows
                            ))
                    default: break
                    }
                } else {
                    block.body.append(line)
                    open = block
                }
            } else if line.hasPrefix("```") {
                if let pending, line != "```text rows", line != "```text errors" {
                    orphans.append(pending.line)
                }
                open = (index + 1, String(line.dropFirst(3)), [])
            }
        }
        if let pending { orphans.append(pending.line) }
    }

    private mutating func readTables() {
        var isTable = false
        for (index, line) in lines.enumerated() {
            if line == "| expression | value |" {
                isTable = true
            } else if !line.hasPrefix("|") {
                isTable = false
            } else if isTable, !line.hasPrefix("|---") {
                // A bar within a cell is written `\|`, as GitHub asks for.
                let cells = line.replacingOccurrences(of: "\\|", with: "\u{1}").components(separatedBy: " | ")
                    .map { $0.replacingOccurrences(of: "\u{1}", with: "|") }
                guard cells.count == 2 else {
                    orphans.append(index + 1)
                    continue
                }
                let expression = cells[0].dropFirst(3).dropLast()
                rows.append(
                    Row(line: index + 1, expression: String(expression), value: String(cells[1].dropLast(2))))
            }
        }
    }
}
