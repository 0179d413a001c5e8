import Components
import Foundation
import Manifests
import Testing
import Transforms

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
        "of recipes names the keys of programs",
        arguments: [
            ("process", "QQ: 1"), ("hook", "install: {QQ: 1}"), ("health", "health: {QQ: 1}"),
            ("limits", "limits: {QQ: 1}"), ("logs", "logs: {QQ: 1}"),
        ])
    func programs(definition: String, line: String) throws {
        let text =
            "kind: Component\nname: c\nversion: 1.0.0\nprocess: {"
            + line.replacingOccurrences(of: "QQ", with: Self.stranger) + "}\n"
        let error = try #require(throws: ManifestErrors.self) {
            try ComponentManifest.parse(text, fileName: "c")
        }
        #expect(try known(in: error.errors) == keys(try schema("recipe"), definition))
    }

    @Test(
        "of recipes names the steps and their keys",
        arguments: [
            ("step", "QQ: 1"), ("assignment", "set: {a: {QQ: 1}}"), ("computedTopic", "publish: {QQ: 1}"),
            ("shadowStep", "shadow: {QQ: 1}"),
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
            ("selector", "things: [{QQ: 1}]"), ("shadows", "shadows: {QQ: 1}"),
            ("shadowRule", "shadows: {sync: [{QQ: 1}]}"),
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
        let process = try #require(recipe["process"]?["properties"] as? [String: [String: Any]])
        #expect(process["mode"]?["enum"] as? [String] == ProcessMode.allCases.map(\.rawValue))
        #expect(process["sandbox"]?["enum"] as? [String] == SandboxNeed.allCases.map(\.rawValue))
        #expect(
            process["onConfigurationChange"]?["enum"] as? [String]
                == ConfigurationPolicy.allCases.map(\.rawValue))
        #expect(process["mode"]?["default"] as? String == ProcessMode.longLived.rawValue)
        #expect(process["sandbox"]?["default"] as? String == SandboxNeed.preferred.rawValue)
        #expect(process["handlerTimeout"]?["default"] as? String == "3s")
        #expect(process["idleTimeout"]?["default"] as? String == "1m")
        #expect(process["settle"]?["default"] as? String == "10s")
    }

    @Test("name the limits of programs")
    func programLimits() throws {
        let definitions = try #require(try schema("recipe")["$defs"] as? [String: [String: Any]])
        func properties(_ name: String) throws -> [String: [String: Any]] {
            try #require(definitions[name]?["properties"] as? [String: [String: Any]])
        }
        let process = try properties("process")
        #expect(process["secrets"]?["maxItems"] as? Int == ProcessDefinition.Limits.secrets)
        #expect(process["environment"]?["maxProperties"] as? Int == ComponentInstance.Limits.environment)
        let limits = try properties("limits")
        #expect(limits["cpu"]?["minimum"] as? Double == ProcessLimits.cpus.lowerBound)
        #expect(limits["cpu"]?["maximum"] as? Double == ProcessLimits.cpus.upperBound)
        for (key, range) in [
            ("processes", ProcessLimits.processCounts), ("files", ProcessLimits.fileCounts),
        ] {
            #expect(limits[key]?["minimum"] as? Int == range.lowerBound)
            #expect(limits[key]?["maximum"] as? Int == range.upperBound)
        }
        let failures = try properties("health")["failures"]
        #expect(failures?["minimum"] as? Int == HealthCheck.Limits.failures.lowerBound)
        #expect(failures?["maximum"] as? Int == HealthCheck.Limits.failures.upperBound)
        #expect(failures?["default"] as? Int == HealthCheck.Defaults.failures)
        let access = try properties("access")
        #expect(access["shadows"]?["enum"] as? [String] == ShadowAccess.allCases.map(\.rawValue))
        for key in ["read", "write", "devices"] {
            #expect(access[key]?["maxItems"] as? Int == ComponentAccess.maximumPaths)
        }
        let command = try #require(definitions["command"]?["anyOf"] as? [[String: Any]])
        #expect(command.contains { $0["maxItems"] as? Int == ProcessCommand.Limits.arguments })
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
