import Components
import Manifests
import Testing

@Suite("Configuration in a recipe file")
struct RecipeConfigurationFileTests {
    private static func text(_ configuration: String, _ expression: String = "reading.t") -> String {
        """
        kind: Component
        name: limit
        version: 1.0.0
        configuration: \(configuration)
        transform:
          - set: {x: '\(expression)'}
          - publish: out
        """
    }

    private func errors(_ configuration: String, _ expression: String = "reading.t") -> [String] {
        do throws(ManifestErrors) {
            _ = try ComponentManifest.parse(Self.text(configuration, expression), fileName: "c.yaml")
            return []
        } catch {
            return error.errors.map { $0.lines.first ?? "" }
        }
    }

    @Test("says types and values, and is read by itself just the same")
    func reading() throws {
        let text = Self.text(
            "{limit: 80.0, count: 3, on: [1, 2.5], levels: {high: 1e2}}", "configuration.limit")
        let manifest = try ComponentManifest.parse(text, fileName: "c.yaml")
        #expect(
            manifest.recipe.configuration == [
                "limit": .double(80), "count": .int(3), "on": .list([.double(1), .double(2.5)]),
                "levels": .object(["high": .double(100)]),
            ])
        #expect(ComponentManifest.configuration(of: text)?.defaults == manifest.recipe.configuration)
        #expect(
            manifest.warnings.map(\.description) == [
                "c.yaml:4:30: no expression uses configuration \"count\"; remove it or use it",
                "c.yaml:4:54: no expression uses configuration \"levels\"; remove it or use it",
                "c.yaml:4:40: no expression uses configuration \"on\"; remove it or use it",
            ])
        #expect(ComponentManifest.configuration(of: "kind: Component")?.defaults == [:])
        #expect(ComponentManifest.configuration(of: "[") == nil)
    }

    @Test("is refused with its place")
    func refusals() {
        #expect(
            errors("[1]") == [
                "c.yaml:4:16: \"configuration\" has to be a mapping (key: value), but is a list"
            ])
        #expect(
            errors("{a: .nan}", "configuration.a + 1.0") == [
                "c.yaml:4:20: .nan is no number that JSON has; write a finite one"
            ])
        let long = "{a: \(String(repeating: "x", count: ConfigurationValue.maximumBytes))}"
        #expect(errors(long).first?.contains("at most 32768 are allowed") == true)
        #expect(
            errors("{levels: {high: 1.0}}", "configuration.levels.hihg") == [
                "c.yaml:6:36: 'configuration.levels' has no field 'hihg'; did you mean 'high'?"
            ])
        #expect(errors("{limit: 80}", "reading.t + configuration.limit * 2.0").count == 1)
    }
}
