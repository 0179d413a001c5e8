import Components
import FoundationEssentials
import Testing

@Suite("Ends of subscriptions")
struct SubscriptionEndTests {
    static let forms: [(String, SubscriptionEnd)] = [
        ("thing:bme680-1", .thing("bme680-1")), ("thing:*", .allThings),
        ("thing:press-*", .things(prefix: "press-")),
        ("component:rain.hall", .component("rain.hall")), ("cloud", .cloud), ("shadow", .shadow),
        ("stream:bulk", .stream("bulk")),
    ]

    @Test("read every text form and write it again", arguments: forms)
    func roundTrip(text: String, end: SubscriptionEnd) throws {
        #expect(try SubscriptionEnd(parsing: text) == end)
        #expect(end.description == text)
        let json = try JSONEncoder().encode([end])
        #expect(try JSONDecoder().decode([SubscriptionEnd].self, from: json) == [end])
    }

    @Test(
        "refuse what is no end",
        arguments: [
            "", "thing", "thing:", "thing:a b", "thing:**", "thing:*a", "thing:a*b", "Cloud", "cloud:",
            "cloud:x",
            "stream:", "stream:*", "component:*", "things:a", " thing:a", "thing:é", "thing:a/b", "shadow:a",
        ])
    func refuses(text: String) {
        #expect(throws: InvalidSubscriptionEnd.self) { try SubscriptionEnd(parsing: text) }
    }

    @Test("match things by name, prefix or all, and nothing else")
    func matches() {
        #expect(SubscriptionEnd.thing("a").matches(thing: "a"))
        #expect(!SubscriptionEnd.thing("a").matches(thing: "ab"))
        #expect(SubscriptionEnd.things(prefix: "press-").matches(thing: "press-7"))
        #expect(!SubscriptionEnd.things(prefix: "press-").matches(thing: "Press-7"))
        #expect(SubscriptionEnd.allThings.matches(thing: "anything"))
        for end in [SubscriptionEnd.cloud, .shadow, .stream("a"), .component("a")] {
            #expect(!end.matches(thing: "a"))
        }
    }
}
