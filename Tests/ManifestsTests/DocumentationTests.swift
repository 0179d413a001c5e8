import Foundation
import Manifests
import Testing

@testable import Expressions
@testable import Transforms

@Suite("The page about transforms")
struct DocumentationTests {
    let examples: DocumentedExamples

    init() throws { examples = try DocumentedExamples() }

    @Test("has only listings and tables that can be run")
    func shape() {
        #expect(examples.orphans == [])
        #expect(examples.listings.count >= 11)
        #expect(examples.rows.count >= 120)
    }

    @Test("shows what recipes and steps make of readings")
    func listings() throws {
        for listing in examples.listings {
            let text =
                listing.isRecipe
                ? listing.text
                : "transform:\n\(listing.text)\nkind: Component\nname: example\nversion: 1.0.0\n"
                    + "access: {host: [cpu_temperature], shadows: write}\n"
            let manifest: ComponentManifest
            do {
                manifest = try ComponentManifest.parse(text, fileName: "transforms.md")
            } catch {
                Issue.record("the listing on line \(listing.line): \(error)")
                continue
            }
            for row in listing.rows {
                let result = try #require(manifest.transform).process(
                    try DocumentedReadings.batch(row.input), host: DocumentedHost())
                var outcome = DocumentedReadings.outcome(result)
                // The steps of a listing stand one line further down in the recipe that is made of them.
                if !listing.isRecipe {
                    outcome = outcome.replacing(/\(line (\d+)\)/) { match in
                        "(line \((Int(match.1) ?? 0) - 1))"
                    }
                }
                #expect(outcome == row.outcome, "line \(listing.line): \(row.input)")
            }
        }
    }

    @Test("shows what is said of recipes with errors")
    func refusals() {
        #expect(examples.refusals.count >= 1)
        for refusal in examples.refusals {
            do throws(ManifestErrors) {
                _ = try ComponentManifest.parse(refusal.text, fileName: "compensate-temperature.yaml")
                Issue.record("the recipe on line \(refusal.line) was taken")
            } catch {
                #expect(error.description == refusal.errors, "line \(refusal.line)")
            }
        }
    }

    @Test("shows the values of expressions")
    func expressions() throws {
        let batch = try DocumentedReadings.batch(
            "temperature=21.5 °C, count=3, ok=true, label=\"press-7\"")
        for row in examples.rows {
            #expect(
                DocumentedExpressions.value(of: row.expression, batch: batch) == row.value,
                "line \(row.line): \(row.expression)")
        }
    }

    @Test("has every step, function, unit and limit")
    func completeness() {
        for step in ["where", "let", "set", "keep", "drop", "shadow", "publish"] {
            #expect(examples.listings.contains { $0.text.contains("- \(step):") }, "the step \(step)")
        }
        let expressions = examples.rows.map(\.expression)
        for name in Builtins.byName.keys.sorted() where name.first?.isLetter == true {
            let isShown = expressions.contains { $0.contains("\(name)(") }
            #expect(isShown, "the function \(name)")
        }
        // The page is not a part of the messages.
        let missing = UnitRule.known.filter { !examples.text.contains("`\($0)`") }
        #expect(missing == [])
        #expect(TransformLimits.batchCost == 4_194_304 && TransformLimits.shadowBytes == 30_720)
        let limits = [
            "at most \(TransformLimits.steps); \(TransformLimits.publishes); \(TransformLimits.bindings)",
            "| fields of a reading | \(TransformLimits.fields); name \(TransformLimits.fieldNameBytes) bytes, text "
                + "\(TransformLimits.textBytes >> 10) KiB, unit \(TransformLimits.unitBytes) bytes |",
            "| `shadow` steps | at most \(TransformLimits.shadowSteps) |",
            "by one step | 30,720 bytes |", "readings together | 4,194,304 units of work",
            "all steps together | \(TransformLimits.madeTextBytes >> 20) MiB |",
            "all `publish` steps together | \(TransformLimits.publishedBytes >> 20) MiB;",
            "| recipe | \(ManifestLimits.recipeBytes >> 10) KiB; nesting \(ManifestLimits.depth) levels |",
        ]
        #expect(limits.filter { !examples.text.contains($0) } == [])
    }
}
