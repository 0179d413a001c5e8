import Expressions
import Testing
import Transforms

/// What expressions see of configuration and environment.
@Suite struct TransformSettingsTests {
    private static let defaults: [String: Value] = [
        "limit": .double(80), "count": .int(2), "label": .string("hall"), "isOn": .bool(true), "any": .null,
        "levels": .map(ValueMap(["high": .double(90), "names": .map(ValueMap(["top": .string("roof")]))])),
        "offsets": .map(ValueMap()), "steps": .list([.int(1), .int(2)]),
        "my key": .map(ValueMap(["a.b": .double(1)])),
    ]

    private func transform(_ steps: TransformStep...) throws(TransformErrors) -> Transform {
        try Transform(TransformDefinition(steps: steps, configuration: Self.defaults))
    }

    private func problems(_ expression: ExpressionText) -> [String] {
        do throws(TransformErrors) {
            _ = try transform(.set(["x": expression]), .publish("o"))
            return []
        } catch {
            return error.problems.map(\.message)
        }
    }

    private func value(_ expression: ExpressionText, _ settings: TransformSettings? = nil) throws -> String {
        let result = try transform(.set(["x": expression]), .keep(["x"]), .publish("o"))
            .process(.of(.doubles("t", [81])), host: FakeHost(), settings: settings)
        guard let output = result.outputs.first, let reading = output.batch.readings.first else {
            return result.failures.first?.cause ?? "nothing"
        }
        return "\(reading.fields.first?.value ?? .string("no field"))"
    }

    @Test func theConfigurationIsTheRecipesWhereAnInstanceSaysNothing() throws {
        #expect(try value("configuration.limit") == "\(ReadingValue.double(80))")
        #expect(try value("reading.t > configuration.limit") == "\(ReadingValue.bool(true))")
        #expect(try value("configuration.levels.names.top") == "\(ReadingValue.string("roof"))")
        #expect(try value("configuration[\"levels\"][\"high\"]") == "\(ReadingValue.double(90))")
        #expect(try value("configuration[\"my key\"][\"a.b\"]") == "\(ReadingValue.double(1))")
        #expect(try value("size(configuration.steps) + configuration.count") == "\(ReadingValue.int(4))")
        #expect(try value("size(configuration.levels)") == "\(ReadingValue.int(2))")
        #expect(try value("\"high\" in configuration.levels") == "\(ReadingValue.bool(true))")
        #expect(try value("has(configuration.levels.names.top)") == "\(ReadingValue.bool(true))")
        #expect(try value("thing in configuration.offsets") == "\(ReadingValue.bool(false))")
        #expect(try value("configuration.any == null") == "\(ReadingValue.bool(true))")
    }

    @Test func twoInstancesOfOneTransformSeeTheirOwn() throws {
        var own = Self.defaults
        own["limit"] = .double(90)
        own["offsets"] = .map(ValueMap(["t": .double(0.5)]))
        let one = TransformSettings(configuration: own, environment: ["THING_NAME": "bme680-1"])
        let two = TransformSettings(configuration: Self.defaults, environment: ["THING_NAME": "bme680-2"])
        let compiled = try transform(
            .set(["isHot": "reading.t > configuration.limit"]),
            .publish(.computed("\"by/\" + environment.THING_NAME")))
        var seen: [String] = []
        for settings in [one, two] {
            let result = compiled.process(.of(.doubles("t", [81, 95])), host: FakeHost(), settings: settings)
            #expect(result.failures.isEmpty)
            let output = try #require(result.outputs.first)
            seen.append(output.batch.topic)
            seen += output.batch.readings.map { row in
                "\(row.fields.first { $0.name == "isHot" }?.value ?? .string("none"))"
            }
        }
        let (yes, no) = ("\(ReadingValue.bool(true))", "\(ReadingValue.bool(false))")
        #expect(seen == ["by/bme680-1", no, yes, "by/bme680-2", yes, yes])
        #expect(try value("configuration.offsets[thing] + reading.t", one) == "\(ReadingValue.double(81.5))")
    }

    @Test func theEnvironmentHasTexts() throws {
        let settings = TransformSettings(environment: ["HALL": "press"])
        #expect(try value("environment.HALL + \"-1\"", settings) == "\(ReadingValue.string("press-1"))")
        #expect(try value("environment[\"HALL\"]", settings) == "\(ReadingValue.string("press"))")
        for test in ["has(environment.ROOF)", "\"ROOF\" in environment"] as [ExpressionText] {
            #expect(try value(test, settings) == "\(ReadingValue.bool(false))")
        }
        #expect(
            try value("has(environment.ROOF) ? environment.ROOF : \"none\"", settings)
                == "\(ReadingValue.string("none"))")
        #expect(try value("environment.ROOF", settings) == "step 1, set x: 'environment.ROOF' has no value")
        #expect(problems("environment.HALL + 1").first?.contains("'_+_' applied to '(string, int)'") == true)
    }

    @Test(
        arguments: [
            ("configuration.limt", "'configuration' has no field 'limt'; did you mean 'limit'?"),
            (
                "configuration.levels.hihg",
                "'configuration.levels' has no field 'hihg'; did you mean 'high'?"
            ),
            (
                "configuration.levels[\"hihg\"]",
                "'configuration.levels' has no field 'hihg'; did you mean 'high'?"
            ),
            (
                "has(configuration.levels.names.tip)",
                "'configuration.levels.names' has no field 'tip'; did you mean 'top'?"
            ),
            (
                "configuration[\"my key\"].ab",
                "'configuration[\"my key\"]' has no field 'ab'; did you mean 'a.b'?"
            ),
            ("limit", "unknown name 'limit'; did you mean 'configuration.limit'?"),
        ] as [(ExpressionText, String)])
    func aMisspeltNameIsRefusedWithWhatWasMeant(expression: ExpressionText, problem: String) {
        #expect(problems(expression) == [problem])
    }

    @Test func typesAreTheRecipes() {
        #expect(problems("configuration.limit * 2").first?.contains("no such overload") == true)
        #expect(problems("configuration.count * 2") == [])
        #expect(problems("configuration.any * 2.0") == [])
        #expect(problems("configuration.levels.high + configuration.limit") == [])
        #expect(problems("configuration").first?.contains("is a record, not a value") == true)
        #expect(
            Transform.problems(.bind(["configuration": "1"]), .publish("o")).first?
                .contains("means something else") == true)
    }

    @Test func whatAnInstanceShouldHaveIsKnown() throws {
        let compiled = try transform(
            .set([
                "a": "environment.A", "b": "has(environment.B) ? environment.B : \"\"",
                "c": "\"C\" in environment",
            ]),
            .publish(.computed("environment.D + environment.A")))
        #expect(compiled.neededEnvironment == ["A", "D"])
    }

    @Test func whatNoExpressionUsesIsAWarning() throws {
        let transform = try Transform(
            TransformDefinition(
                steps: [.filter("reading.t > configuration.limit"), .publish("o")],
                configuration: ["limit": .double(1), "spare": .int(1)]))
        #expect(transform.warnings.map(\.path) == ["configuration.spare"])
    }
}
