import Components
import Foundation
import Manifests
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
        let result = manifest.transform.process(
            try DocumentedReadings.batch("temperature=33.5 °C, humidity=40.0 %RH"), host: DocumentedHost())
        let fields = try #require(result.outputs.first?.batch.reading(at: 0)?.fields)
        #expect(fields.map(\.name) == ["temperature", "humidity"])
        #expect(fields[0].value == .double(value))
        #expect(fields[0].unit == unit)
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
