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
        ]
        for change in changes {
            var other = definition
            change(&other)
            #expect(!other.isEquivalent(to: definition))
        }
    }

    @Test("survive being stored as JSON")
    func codable() throws {
        let data = try JSONEncoder().encode(definition)
        #expect(try JSONDecoder().decode(GroupDefinition.self, from: data) == definition)
    }
}
