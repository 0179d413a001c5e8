import Components
import Foundation
import Manifests
import Shadows
import Testing
import Transforms

@Suite("The files in Examples")
struct ExampleTests {
    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("Examples")

    func text(_ name: String) throws -> String {
        try String(contentsOf: Self.folder.appendingPathComponent(name), encoding: .utf8)
    }

    @Test(
        "compute what they say",
        arguments: [("1.0.0", 22.0, "°C"), ("1.1.0", 295.15, "K")])
    func compensate(version: String, value: Double, unit: String) throws {
        let name = "compensate-temperature-\(version).yaml"
        let manifest = try ComponentManifest.parse(try text(name), fileName: name)
        #expect(manifest.recipe.name == "compensate-temperature")
        #expect(manifest.recipe.version.description == version)
        #expect(manifest.warnings.isEmpty)
        let result = try #require(manifest.transform).process(
            try DocumentedReadings.batch("temperature=33.5 °C, humidity=40.0 %RH"), host: DocumentedHost())
        let fields = try #require(result.outputs.first?.batch.reading(at: 0)?.fields)
        #expect(fields.map(\.name) == ["temperature", "humidity"])
        #expect(fields[0].value == .double(value))
        #expect(fields[0].unit == unit)
    }

    @Test("let two instances of one component differ")
    func twoOvens() throws {
        let manifest = try ComponentManifest.parse(try text("heat-alarm-1.0.0.yaml"), fileName: "heat-alarm")
        #expect(manifest.warnings.isEmpty)
        let group = try GroupManifest.parse(try text("two-ovens.yaml"), fileName: "two-ovens")
        let recipe = RecipeConfiguration(manifest.recipe.configuration)
        var seen: [String] = []
        for instance in group.components {
            let (values, problems) = recipe.applying(instance.configuration)
            #expect(problems == [])
            #expect(manifest.work.neededEnvironment.allSatisfy { instance.environment[$0] != nil })
            let result = try #require(manifest.transform).process(
                try DocumentedReadings.batch("temperature=81.5 °C"), host: DocumentedHost(),
                settings: TransformSettings(
                    configuration: values.mapValues(\.expressionValue), environment: instance.environment))
            seen.append(DocumentedReadings.outcome(result))
        }
        #expect(
            seen == [
                "alarms/oven-1: temperature=81.5 °C, alarm=true",
                "alarms/oven-2: temperature=81.0 °C, alarm=false",
            ])
    }

    @Test("tell a shadow what was measured last")
    func report() throws {
        let name = "compensate-report-1.0.0.yaml"
        let manifest = try ComponentManifest.parse(try text(name), fileName: name)
        #expect(manifest.warnings.isEmpty)
        let transform = try #require(manifest.transform)
        let result = transform.process(
            try DocumentedReadings.batch("temperature=33.5 °C, pressure=1013.2 hPa, humidity=40.0 %RH"),
            host: DocumentedHost())
        #expect(
            DocumentedReadings.outcome(result)
                == "shadow: reported {\"humidity\": 40.0, \"pressure\": 1013.2, \"temperature\": 22.0}; "
                + "republish/reading: temperature=22.0 °C, pressure=1013.2 hPa, humidity=40.0 %RH")
        let group = try GroupManifest.parse(
            try text("press-hall-shadows.yaml"), fileName: "press-hall-shadows")
        #expect(group.components.map(\.component) == [manifest.recipe.name])
        #expect(group.validate(outputs: [manifest.recipe.name: manifest.work.outputs]) == [])
        #expect(group.warnings(outputs: [manifest.recipe.name: manifest.work.outputs]) == [])
        #expect(
            group.shadowRules["bme680-2"]?.direction == .toCloud
                && group.shadowRules["lamp"]?.direction == .both)
    }

    @Test("are all read by what they are for")
    func all() throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path)
            .filter { $0.hasSuffix(".yaml") }
        #expect(names.count >= 3)
        for name in names {
            let text = try text(name)
            if text.contains("kind: Component") {
                #expect(throws: Never.self) { try ComponentManifest.parse(text, fileName: name) }
            } else {
                #expect(throws: Never.self) { try GroupManifest.parseAll(text, fileName: name) }
            }
        }
    }
}
