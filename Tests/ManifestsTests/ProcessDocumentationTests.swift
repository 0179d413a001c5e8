import Components
import Foundation
import Manifests
import Testing

@Suite("The page about components")
struct ProcessDocumentationTests {
    let text: String

    init() throws {
        let page = ExampleTests.folder.deletingLastPathComponent().appendingPathComponent(
            "docs/components.md")
        text = try String(contentsOf: page, encoding: .utf8)
    }

    /// The listings that begin with a line.
    func listings(_ fence: String) -> [String] {
        text.components(separatedBy: "\n\(fence)\n").dropFirst().map {
            $0.components(separatedBy: "\n```")[0]
        }
    }

    @Test("shows recipes of programs that are read")
    func programs() throws {
        let recipes = listings("```yaml process")
        #expect(!recipes.isEmpty)
        for recipe in recipes {
            let manifest = try ComponentManifest.parse(recipe, fileName: "components.md")
            #expect(manifest.process != nil)
        }
    }

    @Test("has every key of recipes, of programs and of access")
    func keys() throws {
        let stranger = SchemaTests.stranger
        for line in ["\(stranger): 1", "process: {\(stranger): 1}", "access: {\(stranger): 1}"] {
            let error = try #require(throws: ManifestErrors.self) {
                try ComponentManifest.parse(
                    "kind: Component\nname: c\nversion: 1.0.0\n\(line)\n", fileName: "c")
            }
            let keys = try SchemaTests().known(in: error.errors)
            #expect(keys.count > 3)
            #expect(keys.filter { !text.contains("| `\($0)` |") } == [])
        }
    }

    @Test("has the defaults and limits of programs")
    func limits() {
        let rows = [
            "| `handlerTimeout` | span | `\(ProcessDefinition.Defaults.handlerTimeout)` |",
            "| `settle` | span | `\(ProcessDefinition.Defaults.settle)` |",
            "| `sandbox` | text | `\(SandboxNeed.preferred.rawValue)` |",
            "| `mode` | text | `\(ProcessMode.longLived.rawValue)` |",
            "at most \(ProcessDefinition.Limits.secrets) |",
            "at most \(ProcessCommand.Limits.arguments) arguments and \(ProcessCommand.Limits.bytes >> 10) KiB",
            "A list has at most \(ComponentAccess.maximumPaths) paths",
            "(`\(HealthCheck.Defaults.timeout)`, at most the interval)",
            "(`\(HealthCheck.Defaults.interval)`, 1 s to 1 hour)",
            "(\(HealthCheck.Defaults.failures), 1 to \(HealthCheck.Limits.failures.upperBound))",
        ]
        #expect(rows.filter { !text.contains($0) } == [])
        #expect(ProcessDefinition.Defaults.idleTimeout == .seconds(60))
        #expect(text.contains("| `idleTimeout` | span | `60s` |"))
    }
}
