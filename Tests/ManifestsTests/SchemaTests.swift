import Components
import Foundation
import Manifests
import Testing

/// The schemas for editors (`docs/schema`) name the same keys as the readers of files.
@Suite("JSON Schema files")
struct SchemaTests {
    static let folder = ExampleTests.folder.deletingLastPathComponent().appendingPathComponent("docs/schema")
    /// A key that is near to none.
    static let stranger = "qqqqqqqqqqqqqqqqqqqqqqqq"

    func schema(_ name: String) throws -> [String: Any] {
        let data = try Data(contentsOf: Self.folder.appendingPathComponent("\(name).schema.json"))
        let schema = try #require(JSONSerialization.jsonObject(with: data) as? [String: Any])
        #expect(schema["$schema"] as? String == "https://json-schema.org/draft/2020-12/schema")
        return schema
    }

    /// The keys of the schema itself, or of one of its definitions.
    func keys(_ schema: [String: Any], _ definition: String?) throws -> Set<String> {
        var part = schema
        if let definition {
            let definitions = try #require(schema["$defs"] as? [String: [String: Any]])
            part = try #require(definitions[definition], "\(definition)")
        }
        return Set(try #require(part["properties"] as? [String: Any]).keys)
    }

    /// The keys that a reader names where it meets one that it does not know.
    func known(in errors: [ManifestError]) throws -> Set<String> {
        let message = try #require(errors.first { $0.message.contains(Self.stranger) }?.message)
        let list = try #require(message.range(of: "; known are ") ?? message.range(of: "; steps are "))
        return Set(message[list.upperBound...].split(separator: ", ").map(String.init))
    }

    @Test(
        "of recipes names the keys that are read",
        arguments: [
            (nil, "QQ: 1"), ("access", "access: {QQ: 1}"), ("dependency", "dependencies: {a: {QQ: 1}}"),
            ("artifact", "artifacts: [{QQ: 1}]"), ("inputField", "input: {a: {QQ: 1}}"),
        ] as [(String?, String)])
    func recipe(definition: String?, line: String) throws {
        let text =
            "kind: Component\nname: c\nversion: 1.0.0\ntransform: [{publish: x}]\n"
            + line.replacingOccurrences(of: "QQ", with: Self.stranger) + "\n"
        let error = try #require(throws: ManifestErrors.self) {
            try ComponentManifest.parse(text, fileName: "c")
        }
        #expect(try known(in: error.errors) == keys(try schema("recipe"), definition))
    }

    @Test(
        "of recipes names the steps and their keys",
        arguments: [
            ("step", "QQ: 1"), ("assignment", "set: {a: {QQ: 1}}"), ("computedTopic", "publish: {QQ: 1}"),
        ])
    func steps(definition: String, step: String) throws {
        let text =
            "kind: Component\nname: c\nversion: 1.0.0\ntransform: [{publish: x}, {"
            + step.replacingOccurrences(of: "QQ", with: Self.stranger) + "}]\n"
        let error = try #require(throws: ManifestErrors.self) {
            try ComponentManifest.parse(text, fileName: "c")
        }
        #expect(try known(in: error.errors) == keys(try schema("recipe"), definition))
    }

    @Test(
        "of groups names the keys that are read",
        arguments: [
            (nil, "QQ: 1"), ("component", "components: [{QQ: 1}]"),
            ("configuration", "components: [{configuration: {QQ: 1}}]"),
            ("subscription", "subscriptions: [{QQ: 1}]"),
            ("stream", "streams: {a: {QQ: 1}}"), ("export", "streams: {a: {exports: [{QQ: 1}]}}"),
            ("selector", "things: [{QQ: 1}]"),
        ] as [(String?, String)])
    func group(definition: String?, line: String) throws {
        let text =
            "kind: Group\nname: g\ncores: [c]\n" + line.replacingOccurrences(of: "QQ", with: Self.stranger)
            + "\n"
        let error = try #require(throws: ManifestErrors.self) {
            try GroupManifest.parseAll(text, fileName: "g")
        }
        #expect(try known(in: error.errors) == keys(try schema("group"), definition))
    }

    @Test("name every value that a key may have")
    func values() throws {
        let recipe = try #require(try schema("recipe")["$defs"] as? [String: [String: Any]])
        let dependency = recipe["dependency"]?["properties"] as? [String: [String: Any]]
        #expect(
            dependency?["kind"]?["enum"] as? [String] == ComponentDependency.Kind.allCases.map(\.rawValue))
        let platform = recipe["platform"]?["properties"] as? [String: Any] ?? [:]
        #expect(Set(platform.keys) == ["os", "architecture", "artifacts"])
    }

    @Test("take every file in Examples, as far as keys go")
    func examples() throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: ExampleTests.folder.path)
            .filter { $0.hasSuffix(".yaml") }
        #expect(!names.isEmpty)
        for name in names {
            let text = try String(
                contentsOf: ExampleTests.folder.appendingPathComponent(name), encoding: .utf8)
            let isRecipe = text.contains("kind: Component")
            let schema = try schema(isRecipe ? "recipe" : "group")
            let known = try keys(schema, nil)
            // Keys of the first level stand at the beginning of a line.
            for line in text.split(separator: "\n") where line.first?.isLetter == true {
                let key = String(line.prefix { $0 != ":" })
                #expect(known.contains(key), "\(name): \(key)")
            }
        }
    }
}
