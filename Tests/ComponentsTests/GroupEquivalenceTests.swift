import Components
import FoundationEssentials
import Testing

@Suite("Two definitions that mean the same")
struct GroupEquivalenceTests {
    let definition = GroupValidationTests.sound()

    @Test("are equivalent whatever the order and spelling")
    func order() {
        var other = definition
        other.things.reverse()
        other.subscriptions.reverse()
        other.subscriptions[3].via = "default"
        other.streams["default"] = StreamSettings()
        #expect(other != definition)
        #expect(other.isEquivalent(to: definition))
        #expect(definition.isEquivalent(to: other))
        #expect(other.canonical.canonical == other.canonical)
    }

    @Test("differ where anything that matters differs")
    func differences() {
        let changes: [(inout GroupDefinition) -> Void] = [
            { $0.name = "other" }, { $0.cores.append("pi-2") }, { $0.things.removeLast() },
            { $0.subscriptions.removeLast() }, { $0.subscriptions[0].topicFilter = "other/#" },
            { $0.subscriptions[0].via = "bulk" }, { $0.streams["bulk"]?.priority = 9 },
            { $0.streams["default"] = StreamSettings(priority: 1) }, { $0.caRotation = nil },
            { $0.streams["bulk"]?.timeToLive = .days(1) }, { $0.streams["bulk"]?.persistence = .memory },
            { $0.streams["bulk"]?.batchSize = 1 }, { $0.streams["bulk"]?.batchInterval = .seconds(0) },
            { $0.streams["bulk"]?.liveShare = 0.5 }, { $0.streams["bulk"]?.maxRate = .kibibytes(1) },
            { $0.streams["bulk"]?.exports.append(StreamExport(.topic("a"))) },
        ]
        for change in changes {
            var other = definition
            change(&other)
            #expect(!other.isEquivalent(to: definition))
        }
    }

    @Test("compare component instances by what they mean")
    func components() throws {
        var first = definition
        first.components = [
            ComponentInstance(name: "smooth", version: try VersionRange(parsing: "^1.2")),
            ComponentInstance(name: "alarm", component: "limit", version: try VersionRange(parsing: "1.0.0")),
        ]
        var second = first
        second.components.reverse()
        second.components[1].version = try VersionRange(parsing: " >=1.2  <2.0.0-0")
        #expect(second != first)
        #expect(second.isEquivalent(to: first))
        let changes: [(inout ComponentInstance) throws -> Void] = [
            { $0.name = "other" }, { $0.component = "other" },
            { $0.version = try VersionRange(parsing: "1.0.1") },
        ]
        for change in changes {
            var other = first
            try change(&other.components[1])
            #expect(!other.isEquivalent(to: first))
        }
        let data = try JSONEncoder().encode(first)
        #expect(try JSONDecoder().decode(GroupDefinition.self, from: data) == first)
    }

    @Test("that were stored before there were components have none")
    func storedBefore() throws {
        let text = #"{"name":"g","cores":["c"],"things":[],"subscriptions":[],"streams":{}}"#
        let stored = try JSONDecoder().decode(GroupDefinition.self, from: Data(text.utf8))
        #expect(stored == GroupDefinition(name: "g", cores: ["c"]))
    }

    @Test("have the same exports in any order")
    func exports() {
        let topic = StreamExport(.topic("a"))
        var first = definition
        first.streams["bulk"]?.exports = [.cloud, topic]
        var second = definition
        second.streams["bulk"]?.exports = [topic, .cloud]
        #expect(first != second)
        #expect(first.isEquivalent(to: second))
        second.streams["bulk"]?.exports = [StreamExport(.topic("a"), name: "b"), .cloud]
        #expect(!first.isEquivalent(to: second))
    }

    @Test("whose streams were stored before these had all their parameters have the defaults")
    func storedStreams() throws {
        let text = #"{"maxSize":{"bytes":65536},"onFull":"rejectNew","priority":10}"#
        let stored = try JSONDecoder().decode(StreamSettings.self, from: Data(text.utf8))
        #expect(stored == StreamSettings(maxSize: .kibibytes(64), onFull: .rejectNew, priority: 10))
    }

    @Test("survive being stored as JSON")
    func codable() throws {
        var definition = definition
        definition.streams["all"] = StreamSettings(
            timeToLive: .days(1), persistence: .memory, batchSize: 7, batchInterval: .seconds(1),
            liveShare: 0.5, maxRate: .kibibytes(9),
            exports: [
                .cloud, StreamExport(.topic("a"), name: "b"),
                StreamExport(.directory(StreamDirectory("c", maxFileSize: .mebibytes(1), maxFiles: 3))),
            ])
        let data = try JSONEncoder().encode(definition)
        #expect(try JSONDecoder().decode(GroupDefinition.self, from: data) == definition)
    }
}
