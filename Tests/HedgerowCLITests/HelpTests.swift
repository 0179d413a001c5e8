import ArgumentParser
import Foundation
import Testing

@testable import HedgerowCLI

@Suite("The help")
struct HelpTests {
    /// A command as the parser describes it, for tools.
    struct Command {
        let path: [String]
        let info: [String: Any]

        var name: String { path.joined(separator: " ") }
        func text(_ key: String) -> String { info[key] as? String ?? "" }

        /// The lines below "Example:" that a person could type.
        var examples: [String] {
            let lines = text("discussion").split(separator: "\n", omittingEmptySubsequences: false)
            guard let start = lines.firstIndex(of: "Example:") else { return [] }
            return lines[(start + 1)...].prefix { !$0.isEmpty }.map {
                $0.trimmingCharacters(in: .whitespaces)
            }
        }
    }

    /// Every command that is shown, with its subcommands.
    static func commands() throws -> [Command] {
        let dump = try JSONSerialization.jsonObject(with: Data(HedgerowCommand._dumpHelp().utf8))
        func walk(_ info: [String: Any], _ path: [String]) -> [Command] {
            let path = path + [info["commandName"] as? String ?? "?"]
            let inner = info["subcommands"] as? [[String: Any]] ?? []
            return [Command(path: path, info: info)]
                + inner.filter { $0["commandName"] as? String != "help" }.flatMap { walk($0, path) }
        }
        return walk((dump as? [String: Any])?["command"] as? [String: Any] ?? [:], [])
    }

    @Test("finds every command")
    func tree() throws {
        let names = try Self.commands().map(\.name)
        #expect(names.first == "hedgerow")
        for command in HedgerowCommand.commands {
            #expect(names.contains("hedgerow \(command._commandName)"))
        }
        for inner in ["things create", "context use", "components push", "thing run", "groups rotate-ca"] {
            #expect(names.contains("hedgerow \(inner)"), "\(names)")
        }
    }

    @Test("says what each command does, with an example, and what each option does")
    func everythingIsSaid() throws {
        for command in try Self.commands() {
            #expect(command.text("abstract").hasSuffix("."), "\(command.name) has no summary")
            #expect(!command.examples.isEmpty, "\(command.name) has no example")
            for argument in command.info["arguments"] as? [[String: Any]] ?? [] {
                guard argument["shouldDisplay"] as? Bool != false else { continue }
                let help = argument["abstract"] as? String ?? ""
                #expect(!help.isEmpty, "\(command.name): no help for \(argument["valueName"] ?? argument)")
            }
        }
    }

    @Test("has examples that work: each parses as the command whose help it is in")
    func examplesParse() throws {
        for command in try Self.commands() {
            var isOwn = false
            for example in command.examples {
                #expect(example.count <= 78, "\(command.name): an example is wrapped: \(example)")
                for words in Self.commandLines(example) {
                    let arguments = HedgerowProgram.commandFirst(Array(words.dropFirst()))
                    #expect(throws: Never.self, "\(example)") {
                        let parsed = try HedgerowCommand.parseAsRoot(arguments)
                        #expect(!(parsed is HedgerowCommand), "\(example)")
                    }
                    if words.starts(with: command.path) || command.path.count == 1 { isOwn = true }
                }
            }
            #expect(isOwn, "\(command.name) has no example of itself")
        }
    }

    /// The calls of hedgerow in a line of shell, as words.
    static func commandLines(_ line: String) -> [[String]] {
        var commands: [[String]] = [[]]
        var word: String?
        var quote: Character?
        func end() {
            if let done = word { commands[commands.count - 1].append(done) }
            word = nil
        }
        for character in line {
            if let open = quote {
                if character == open { quote = nil } else { word?.append(character) }
            } else if character == "'" || character == "\"" {
                quote = character
                word = word ?? ""
            } else if character == " " {
                end()
            } else if "|&<>;".contains(character) {
                end()
                // Where output goes is no word of ours: a redirection begins a command that is none.
                commands.append([])
            } else {
                word = (word ?? "") + String(character)
            }
        }
        end()
        return commands.filter { $0.first == "hedgerow" }
    }

    @Test("splits lines of shell as a shell does")
    func splitting() {
        #expect(
            Self.commandLines("cat a/*.yaml | hedgerow apply -f - && hedgerow tail 'a b#' > x")
                == [["hedgerow", "apply", "-f", "-"], ["hedgerow", "tail", "a b#"]])
    }

    @Test("takes home, context and colour before the command too")
    func commonOptions() {
        func moved(_ arguments: String...) -> [String] { HedgerowProgram.commandFirst(arguments) }
        #expect(
            moved("--context", "a", "--color=never", "things", "list")
                == ["things", "list", "--context", "a", "--color=never"])
        #expect(
            moved("--home", "/h", "publish", "t", "--", "x") == ["publish", "t", "--home", "/h", "--", "x"])
        #expect(moved("things", "--context", "a") == ["things", "--context", "a"])
        #expect(moved("--context", "a") == ["--context", "a"])
        #expect(moved("--help") == ["--help"])
    }
}
