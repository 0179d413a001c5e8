import Components
import EdgeCore
import HedgerowAPI
import RPCSupport
import Shadows
import SwiftProtobuf
import Testing

@Suite("Shadows of a revision")
struct ShadowSettingsWireTests {
    private static let settings = ShadowSettings(
        sync: [
            ShadowSyncRule(things: ThingPattern("a")),
            ShadowSyncRule(things: ThingPattern("b*"), direction: .toCloud, interval: .seconds(60)),
            ShadowSyncRule(things: .all, direction: .toEdge),
        ], home: "c")

    @Test("come back from the wire as they were")
    func roundTrip() throws {
        let message = Hedgerow_Type_V1_ShadowSettings(Self.settings)
        let read = try GroupDefinition(.with { $0.shadows = message })
        #expect(read.shadows == Self.settings)
        #expect(message.sync.map(\.hasInterval) == [false, true, false])
        let open = Hedgerow_Type_V1_ShadowSettings(ShadowSettings())
        #expect(try GroupDefinition(.with { $0.shadows = open }).shadows == ShadowSettings())
    }

    @Test("are none where the wire says nothing, as an older cloud does")
    func defaults() throws {
        #expect(try GroupDefinition(Hedgerow_Type_V1_GroupRevision()).shadows == nil)
        let read = try GroupDefinition(.with { $0.shadows.sync = [.with { $0.things = "a" }] })
        #expect(read.shadows == ShadowSettings(sync: [ShadowSyncRule(things: ThingPattern("a"))]))
    }

    @Test("are refused where they are newer than this core")
    func newer() {
        let error = #expect(throws: UnreadableRevision.self) {
            try GroupDefinition(
                .with { $0.shadows.sync = [.with { $0.direction = .UNRECOGNIZED(9) }] })
        }
        #expect(
            error.map { "\($0)" }
                == "shadows.sync[0].direction: the direction 9 is not known to this version; update hedgerow-core"
        )
    }

    @Test("that instances may use come with them")
    func instances() throws {
        let instance = ComponentInstance(
            name: "rain", version: .any, shadows: [ThingPattern("a"), ThingPattern("b*")])
        let revision = Hedgerow_Type_V1_GroupRevision.with { $0.components = [.init(instance)] }
        #expect(revision.components[0].shadows == ["a", "b*"])
        #expect(try GroupDefinition(revision).components == [instance])
    }

    @Test("are checked before a core takes them")
    func checked() {
        var revision = Hedgerow_Type_V1_GroupRevision.with {
            $0.group = "g"
            $0.revision = 3
            $0.cores = ["c"]
            $0.things = ["a"]
            $0.shadows.sync = [.with { $0.things = "a" }]
        }
        #expect(RevisionCheck.problem(with: revision, core: "c") == nil)
        revision.shadows.sync[0].things = "b"
        #expect(
            RevisionCheck.problem(with: revision, core: "c")?.contains("is no thing and no core of the group")
                == true)
    }
}
