import Components
import HedgerowAPI
import Manifests
import RPCSupport
import Shadows
import SwiftProtobuf
import Testing

@testable import HedgerowCLI

/// Which shadows of a group are synced, on the command line.
@Suite struct ShadowSettingsTextTests {
    private static let settings = ShadowSettings(sync: [
        ShadowSyncRule(things: ThingPattern("bme680-*"), direction: .toCloud, interval: .seconds(10)),
        ShadowSyncRule(things: ThingPattern("lamp")),
    ])

    private var revision: Hedgerow_Type_V1_GroupRevision {
        .with {
            $0.group = "g"
            $0.cores = ["pi-1", "pi-2"]
            $0.things = ["lamp"]
            $0.shadows = Hedgerow_Type_V1_ShadowSettings(Self.settings)
        }
    }

    @Test func theyAreATableWithTheirHome() {
        let lines = GroupText.details(revision, coloured: false).split(separator: "\n")
            .map { $0.split(separator: " ", omittingEmptySubsequences: true).joined(separator: " ") }
        #expect(lines.contains("SHADOWS OF DIRECTION EVERY HOME"))
        #expect(lines.contains("bme680-* toCloud 10s pi-1") && lines.contains("lamp both at once pi-1"))
        var none = revision
        none.shadows = Hedgerow_Type_V1_ShadowSettings()
        #expect(!GroupText.details(none, coloured: false).contains("SHADOWS"))
        none.clearShadows()
        #expect(!GroupText.details(none, coloured: false).contains("SHADOWS"))
    }

    @Test func theyAreInTheJSON() {
        var revision = revision
        #expect(
            GroupText.json(revision).compact.contains(
                #""shadows":{"sync":[{"things":"bme680-*","direction":"toCloud","everySeconds":10"#))
        #expect(GroupText.json(revision).compact.contains(#""home":"pi-1""#))
        revision.clearShadows()
        #expect(GroupText.json(revision).compact.contains(#""shadows":null"#))
    }

    @Test func theyAreInTheGroupFileThatIsWritten() throws {
        let definition = try GroupText.definition(revision)
        #expect(definition.shadows == Self.settings)
        #expect(
            try GroupManifest.parse(
                GroupManifest.render(definition.with { $0.things.append("bme680-1") }), fileName: "g"
            ).shadows == Self.settings)
        var newer = revision
        newer.shadows.sync[0].direction = .UNRECOGNIZED(9)
        #expect(throws: CLIError.self) { try GroupText.definition(newer) }
    }
}

extension GroupDefinition {
    fileprivate func with(_ change: (inout GroupDefinition) -> Void) -> GroupDefinition {
        var copy = self
        change(&copy)
        return copy
    }
}
