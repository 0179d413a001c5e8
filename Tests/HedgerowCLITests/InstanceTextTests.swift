import Components
import HedgerowAPI
import Manifests
import SwiftProtobuf
import Testing

@testable import HedgerowCLI

/// Configuration, environment and shadows of instances on the command line.
@Suite struct InstanceTextTests {
    private var revision: Hedgerow_Type_V1_GroupRevision {
        .with {
            $0.group = "g"
            $0.cores = ["c"]
            $0.components = [
                .with {
                    $0.name = "hall"
                    $0.component = "limit"
                    $0.version = "^1.0"
                    $0.configuration.merge = #"{"high": 75, "part": 0.5}"#
                    $0.configuration.reset = ["/low"]
                    $0.environment = ["B": "2", "A": "two\nlines"]
                    $0.shadows = ["bme680-1", "press-*"]
                },
                .with {
                    $0.name = "plain"
                    $0.version = "^1.0"
                },
            ]
        }
    }

    @Test func theyAreATableOfTheirOwnWhereThereAreAny() {
        let text = GroupText.details(revision, coloured: false)
        let line = text.split(separator: "\n").first { $0.hasPrefix("hall") && $0.contains("reset") }
        #expect(line?.contains(#"{"high": 75, "part": 0.5}, reset /low"#) == true, "\(text)")
        #expect(line?.contains("A=two lines B=2") == true, "\(text)")
        #expect(line?.hasSuffix("bme680-1 press-*") == true, "\(text)")
        var plain = revision
        plain.components.removeFirst()
        #expect(!GroupText.details(plain, coloured: false).contains("ENVIRONMENT"))
    }

    @Test func theyAreInTheJSONWithTheirTypes() {
        let json = GroupText.json(revision).compact
        #expect(
            json.contains(
                #""configuration":{"merge":{"high":75,"part":0.5},"reset":["/low"]},"environment":{"A":"two\nlines","B":"2"},"shadows":["bme680-1","press-*"]"#
            ), "\(json)")
        #expect(json.contains(#""configuration":null,"environment":{},"shadows":[]"#), "\(json)")
    }

    @Test func theyAreInTheGroupFileThatIsWritten() throws {
        let definition = try GroupText.definition(revision)
        let hall = definition.components[0]
        #expect(hall.configuration.merge == ["high": .int(75), "part": .double(0.5)])
        #expect(hall.configuration.reset.map(\.description) == ["/low"])
        #expect(hall.environment == ["B": "2", "A": "two\nlines"])
        #expect(
            GroupManifest.render(definition).contains(
                #"configuration: {merge: {"high": 75, "part": 0.5}, reset: ["/low"]}, environment: {A: "two\x0alines", B: "2"}, shadows: [bme680-1, "press-*"]"#
            ), "\(GroupManifest.render(definition))")
        var damaged = revision
        damaged.components[0].configuration.merge = "["
        #expect(throws: CLIError.self) { try GroupText.definition(damaged) }
    }
}
